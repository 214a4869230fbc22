import { describe, expect, it } from 'vitest';
import { hostsToml } from '../../src/emit/hosts-toml.ts';
import { readTalosRegistries } from '../../src/emit/read-talos.ts';
import { emitTalosRegistries } from '../../src/emit/talos.ts';
import { parseTalosVersion } from '../../src/talos/version.ts';
import { type Form, mirrorsFor, registries } from './cases.ts';

const cases: [version: string, form: Form][] = [
  ['v1.3.7', 'flat'],
  ['v1.3.7', 'per-registry'],
  ...['v1.5.6', 'v1.8.4', 'v1.9.6', 'v1.11.6', 'v1.12.11', 'v1.13.9', 'v1.14.4'].flatMap((version) =>
    (['flat', 'per-registry', 'prefix'] as const).map((form): [string, Form] => [version, form]),
  ),
];

describe('emitTalosRegistries() and hostsToml()', () => {
  it.each(cases)('write for %s with %s the golden files', async (text, form) => {
    const version = parseTalosVersion(text);
    const folder = `../../fixtures/emitted/${text}-${form}`;
    for (const file of emitTalosRegistries({ mirrors: mirrorsFor(form), version, registries })) {
      await expect(file.text).toMatchFileSnapshot(`${folder}/${file.path}`);
      for (const hosts of hostsToml(readTalosRegistries(file.text).mirrors, { version })) {
        await expect(hosts.text).toMatchFileSnapshot(`${folder}/hosts/${hosts.path.replaceAll('*', '_asterisk')}`);
      }
    }
  });
});
