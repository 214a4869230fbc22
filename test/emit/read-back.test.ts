/** What is emitted, laid over a configuration as talosctl writes it, says to a node what was asked for. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { nodeMirrorsOf } from '../../src/emit/talos/mirrors.ts';
import { diagnose } from '../../src/node/diagnose.ts';
import { readNodeConfig } from '../../src/node/read-config.ts';
import { configKinds } from '../../src/talos/config-kinds.ts';
import { isSinceMinor, parseTalosVersion } from '../../src/talos/version.ts';
import { completeSettings, mirrorsFor, registries, twoEndpoints } from './cases.ts';

const golden = fileURLToPath(new URL('../../fixtures/emitted', import.meta.url));
const complete = readdirSync(golden).filter((name) => name.endsWith('-complete'));

const generated = 'version: v1alpha1\nmachine:\n    type: worker\ncluster:\n    clusterName: c\n';
/** What talosctl 1.14 writes besides (siderolabs/talos v1.14.0, pkg/machinery/config/generate/init.go). */
const generated14 = `---
apiVersion: v1alpha1
kind: DiscoveryServiceConfig
name: default
endpoint: https://discovery.talos.dev/
---
apiVersion: v1alpha1
kind: UnattendedInstallConfig
installer:
    image: factory.talos.dev/metal-installer/other:v1.14.4
provisioning:
    diskSelector:
        match: disk.dev_path == "/dev/vda"
    wipe: false
`;

const filesIn = (folder: string) =>
  readdirSync(join(golden, folder), { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.yaml'))
    .map(({ name }) => ({ name, text: readFileSync(join(golden, folder, name), 'utf8') }));

describe('golden files with everything', () => {
  it.each(
    complete.flatMap((name) => [
      [name, name],
      [name, `${name}/split`],
    ]),
  )('%s: %s', (name, folder) => {
    const version = parseTalosVersion(name.replace('-complete', ''));
    const isOld = configKinds(version).overridePath === 'none';
    const base = isSinceMinor(version, 14) ? generated + generated14 : generated;
    const secrets = filesIn(name).filter((file) => file.name === 'talos-secrets.yaml');
    const patches = filesIn(folder).filter((file) => file.name !== 'talos-secrets.yaml');
    const config = readNodeConfig([{ name: 'base.yaml', text: base }, ...patches, ...secrets], { version });
    const wanted = completeSettings(version);
    expect(config.mirrors).toEqual(
      nodeMirrorsOf({ mirrors: isOld ? mirrorsFor('flat') : twoEndpoints, version, registries }),
    );
    if (!isOld) {
      expect(config.tls.get('harbor.site')).toMatchObject(wanted.tls?.get('harbor.site') ?? {});
      expect([...config.auth].sort()).toEqual(
        [...(wanted.auth ?? [])].map(([host, auth]) => [host, expect.objectContaining(auth)]).sort(),
      );
    }
    expect(config.time).toEqual({ disabled: false, servers: ['10.0.0.1', 'ntp.site'] });
    expect(config.nameservers.map(({ address }) => address)).toEqual(wanted.nameservers);
    // From 1.14 on there is nothing that says so: the document is gone.
    expect(config.discovery).toEqual({ disabled: !isSinceMinor(version, 14), endpoints: [] });
    expect(config.imageCache).toBe(wanted.imageCache ?? false);
    expect(config.trustedRoots).toEqual((wanted.trustedRoots ?? []).map(({ certificates }) => certificates));
    expect(config.images.map(({ image }) => image)).toContain(wanted.installImage);
    expect(config.verification.map(({ image }) => image)).toEqual(
      wanted.verification === undefined
        ? []
        : ['docker.io/team/*', 'index.docker.io/team/*', 'registry.k8s.io/*', 'quay.io/*'],
    );
    const errors = diagnose(config, { version }).filter(({ severity }) => severity === 'error');
    // Keyless rules and credentials over plain http are in there on purpose.
    expect(errors.map(({ code }) => code).filter((code) => !/keyless|plain|http/i.test(code))).toEqual([]);
  });
});
