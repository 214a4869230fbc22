/** Every key of airgap.yaml stands for an option that a command has. */
import { describe, expect, it } from 'vitest';
import { specGroups } from '../../src/spec/spec.ts';
import { workFolder } from './airgap.ts';

/** Keys that are inputs on the command line. */
const inputs = ['images.lists', 'images.references', 'images.retag'];

describe('the keys of airgap.yaml', () => {
  it('are inputs, or options of mirror or emit', async () => {
    const folder = workFolder();
    const help = (await Promise.all(['mirror', 'emit'].map((command) => folder.airgap([command, '--help']))))
      .map(({ stdout }) => stdout)
      .join('\n');
    folder.remove();
    const unknown = specGroups.flatMap(({ name, keys }) =>
      keys.flatMap((key) => {
        const path = `${name}.${key.name}`;
        const isKnown =
          key.option === undefined ? inputs.includes(path) : new RegExp(`--(?:no-)?${key.option}[ ,]`).test(help);
        return isKnown ? [] : [`${path}: --${key.option}`];
      }),
    );
    expect(unknown).toEqual([]);
  });
});
