import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { addEmissionOptions, addNamedEmissionOptions } from '../../../src/cli/emitting/options.ts';

describe('addNamedEmissionOptions()', () => {
  it('takes every option, shows the address in the help and names the others below it', () => {
    const whole = addEmissionOptions(new Command('emit'));
    const named = addNamedEmissionOptions(new Command('mirror'));
    expect(named.options.map(({ flags }) => flags)).toEqual(whole.options.map(({ flags }) => flags));
    const written: string[] = [];
    named.configureOutput({ writeOut: (text) => written.push(text) }).outputHelp();
    const help = written.join('');
    const [shown = '', below = ''] = help.split('What "airgap emit --help" says of nodes counts here too: ');
    expect([...shown.matchAll(/^ +(--[a-z-]+)/gm)].map(([, name]) => name)).toEqual(['--endpoint']);
    const others = whole.options.flatMap(({ long }) => (long === '--endpoint' ? [] : [long]));
    expect(
      below
        .trim()
        .replace(/\.$/, '')
        .split(/, |,\n/),
    ).toEqual(others);
    expect(Math.max(...below.split('\n').map((line) => line.length))).toBeLessThanOrEqual(110);
  });
});
