/** Every release of the catalogue with any settings: written with the keys it knows, or refused in words. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { emitFormat, formatNames } from '../../src/emit/formats/formats.ts';
import type { NodeSettings } from '../../src/emit/node-settings.ts';
import { nodeMirrorsOf } from '../../src/emit/talos/mirrors.ts';
import { emitTalosConfig, type TalosConfigOptions } from '../../src/emit/talos-config.ts';
import { AirgapError } from '../../src/errors.ts';
import type { Mirror } from '../../src/mirror/rule.ts';
import { diagnose } from '../../src/node/diagnose.ts';
import { readNodeConfig } from '../../src/node/read-config.ts';
import { talosReleases } from '../../src/talos/catalogue.ts';
import { isSince, parseTalosVersion, printTalosVersion } from '../../src/talos/version.ts';
import { completeSettings, twoEndpoints } from './cases.ts';

/** First releases, as in the tags of siderolabs/talos; written out here, as the code under test must not vouch for itself. */
const since: Readonly<Record<string, string>> = {
  overridePath: '1.4.0',
  skipFallback: '1.9.0',
  imageCache: '1.9.0',
  TrustedRootsConfig: '1.8.0',
  RegistryMirrorConfig: '1.12.0',
  RegistryAuthConfig: '1.12.0',
  RegistryTLSConfig: '1.12.0',
  TimeSyncConfig: '1.12.0',
  ResolverConfig: '1.12.0',
  StaticHostConfig: '1.12.0',
  ImageVerificationConfig: '1.13.0',
  ImageCacheConfig: '1.14.0-rc.1',
  CRICustomizationConfig: '1.14.0-rc.1',
  DiscoveryServiceConfig: '1.14.0-rc.1',
  UnattendedInstallConfig: '1.14.0-rc.1',
};

const releases = talosReleases().map(({ version }) => version);
const everything = completeSettings(parseTalosVersion('v1.14.4'));
const named = Object.keys(everything) as (keyof NodeSettings)[];
const flat: readonly Mirror[] = twoEndpoints.map((mirror) => ({ ...mirror, pathPrefix: '' }));

const asked: fc.Arbitrary<TalosConfigOptions> = fc
  .record({
    version: fc.constantFrom(...releases),
    mirrors: fc.constantFrom(twoEndpoints, flat),
    form: fc.constantFrom(undefined, undefined, 'v1alpha1' as const, 'documents' as const),
    split: fc.boolean(),
    names: fc.subarray(named),
    discovery: fc.constantFrom('disabled' as const, { endpoint: 'https://discovery.site:3000' }),
    time: fc.constantFrom('disabled' as const, { servers: ['10.0.0.1'] }),
  })
  .map(({ names, discovery, time, ...options }) => {
    const all: NodeSettings = { ...everything, discovery, time };
    const settings = Object.fromEntries(names.map((name) => [name, all[name]]));
    return { ...options, settings, registries: ['ghcr.io', 'registry.k8s.io'] };
  });

/** Keys at any depth, and the kinds of documents. */
function wordsIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(wordsIn);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => [
    key,
    ...(key === 'kind' && typeof item === 'string' ? [item] : []),
    ...wordsIn(item),
  ]);
}

describe('emitTalosConfig() for any release', () => {
  it('writes keys the release knows, or says what it cannot', () => {
    let written = 0;
    fc.assert(
      fc.property(asked, (options) => {
        const { version } = options;
        let output: ReturnType<typeof emitTalosConfig>;
        try {
          output = emitTalosConfig(options);
        } catch (error) {
          if (!(error instanceof AirgapError)) throw error;
          expect([error.code, error.message]).toEqual(['ERR_UNSUPPORTED', expect.stringContaining('for Talos "v1.')]);
          return;
        }
        written += 1;
        const files = [...output.files, ...output.secrets];
        for (const { path, text } of files) {
          expect([path, text.split('\n')[0]]).toEqual([path, expect.stringContaining(printTalosVersion(version))]);
          const words = parseAllDocuments(text).flatMap((document) => wordsIn(document.toJS()));
          const unknown = words.filter((word) => since[word] !== undefined && !isSince(version, since[word] ?? ''));
          expect(unknown).toEqual([]);
        }
        const talos = emitTalosConfig({ ...options, split: false }).files;
        const { settings = {} } = options;
        for (const name of formatNames)
          expect(() => emitFormat(name, { mirrors: nodeMirrorsOf(options), version, settings, talos })).not.toThrow();
      }),
      { numRuns: 400 },
    );
    expect(written).toBeGreaterThan(30);
  });
});

describe('a patch with several endpoints', () => {
  it.each(['v1.5.6', 'v1.9.6', 'v1.11.6', 'v1.12.11', 'v1.14.4'])(
    'for %s, applied twice, is found by diagnose(), and warns of it',
    (text) => {
      const version = parseTalosVersion(text);
      const mirrors = ['https://a.site', 'https://b.site'].map((endpoint) => ({
        registry: '*',
        endpoint,
        pathPrefix: '',
      }));
      const [patch] = emitTalosConfig({ mirrors, version }).files;
      const file = { name: 'talos-patch.yaml', text: patch?.text ?? '' };
      const codes = (files: readonly (typeof file)[]): string[] =>
        diagnose(readNodeConfig(files, { version }), { version }).map(({ code }) => code);
      expect(codes([file])).not.toContain('endpoint-twice');
      expect(codes([file, file])).toContain('endpoint-twice');
      expect(file.text).toContain('also before this is applied again');
    },
  );
});
