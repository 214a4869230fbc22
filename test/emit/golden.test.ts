import { describe, expect, it } from 'vitest';
import { hostsToml } from '../../src/emit/hosts-toml.ts';
import { emitTalosConfig } from '../../src/emit/talos-config.ts';
import { configKinds } from '../../src/talos/config-kinds.ts';
import { parseTalosVersion } from '../../src/talos/version.ts';
import { readMirrors } from '../support/asNode.ts';
import { completeSettings, endpoint, type Form, mirrorsFor, registries, twoEndpoints } from './cases.ts';

const cases: [version: string, form: Form][] = [
  ['v1.3.7', 'flat'],
  ['v1.3.7', 'per-registry'],
  ...['v1.5.6', 'v1.8.4', 'v1.9.6', 'v1.11.6', 'v1.12.11', 'v1.13.9', 'v1.14.4'].flatMap((version) =>
    (['flat', 'per-registry', 'prefix'] as const).map((form): [string, Form] => [version, form]),
  ),
];

describe('emitTalosConfig() and hostsToml()', () => {
  it.each(cases)('write for %s with %s the golden files', async (text, form) => {
    const version = parseTalosVersion(text);
    const folder = `../../fixtures/emitted/${text}-${form}`;
    for (const file of emitTalosConfig({ mirrors: mirrorsFor(form), version, registries, split: true }).files) {
      await expect(file.text).toMatchFileSnapshot(`${folder}/${file.path}`);
      for (const hosts of hostsToml(readMirrors(file.text), { version })) {
        await expect(hosts.text).toMatchFileSnapshot(`${folder}/hosts/${hosts.path.replaceAll('*', '_asterisk')}`);
      }
    }
  });
});

const releases = ['v1.3.7', 'v1.5.6', 'v1.8.4', 'v1.9.6', 'v1.11.6', 'v1.12.11', 'v1.13.9', 'v1.14.4'];

describe('emitTalosConfig()', () => {
  const mirrorsOf = (text: string) =>
    configKinds(parseTalosVersion(text)).overridePath === 'none' ? mirrorsFor('flat') : twoEndpoints;
  const settingsOf = (text: string) => {
    const settings = completeSettings(parseTalosVersion(text));
    const isPlain = mirrorsOf(text) !== twoEndpoints;
    const auth = new Map([[new URL(endpoint).host, { username: 'node', password: 'not-a-secret' }]]);
    return isPlain ? { ...settings, tls: undefined, auth } : settings;
  };

  it.each(releases)('writes for %s with everything the release knows the golden files', async (text) => {
    const version = parseTalosVersion(text);
    const options = { mirrors: mirrorsOf(text), version, registries, settings: settingsOf(text) };
    const { files, secrets, warnings } = emitTalosConfig(options);
    const folder = `../../fixtures/emitted/${text}-complete`;
    for (const file of [...files, ...secrets]) await expect(file.text).toMatchFileSnapshot(`${folder}/${file.path}`);
    await expect(`${warnings.join('\n')}\n`).toMatchFileSnapshot(`${folder}/warnings.txt`);
    for (const file of emitTalosConfig({ ...options, split: true }).files)
      await expect(file.text).toMatchFileSnapshot(`${folder}/split/${file.path}`);
  });

  it.each(['v1.12.11', 'v1.14.4'])('writes for %s in the old form the golden file', async (text) => {
    const version = parseTalosVersion(text);
    const options = {
      mirrors: twoEndpoints,
      version,
      registries,
      settings: settingsOf(text),
      form: 'v1alpha1' as const,
    };
    for (const file of emitTalosConfig(options).files)
      await expect(file.text).toMatchFileSnapshot(`../../fixtures/emitted/${text}-v1alpha1/${file.path}`);
  });
});
