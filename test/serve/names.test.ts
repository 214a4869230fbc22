import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseReference, parseTag, printReference, type RepositoryName } from '../../src/oci/reference.ts';
import { Names, parseWireName } from '../../src/serve/names.ts';
import { serveStore } from '../../src/serve/open.ts';
import { openLayout } from '../../src/store/layout/open.ts';
import { openMemory } from '../../src/store/memory/open.ts';
import { refusalOf, startRegistry } from './registry.ts';

const component = fc.oneof(
  fc.stringMatching(/^[a-z0-9]{1,8}(?:(?:\.|__?|-{1,3})[a-z0-9]{1,8}){0,3}$/),
  fc.constantFrom(
    'docker.io',
    'index.docker.io',
    'localhost',
    'localhost_5000',
    '10.5.0.1',
    '10.5.0.1_5000',
    'ghcr.io',
  ),
  fc.constantFrom('library', 'f'.repeat(64), 'a'.repeat(120), 'registry.internal_80', '1.2.3.4.5', 'a.b_99999'),
);
const wireName = fc.array(component, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));

describe('the name a write goes to', () => {
  const names = new Names(openMemory(), 'localhost');
  const wireOf = (name: string, ns: string | null = null) => parseWireName(name, ns);

  it('is one that reads back from a reference, and that the same request for reading means first', () => {
    fc.assert(
      fc.property(wireName, (text) => {
        const wire = wireOf(text);
        const name = wire && names.forWriting(wire);
        if (wire === undefined || name === undefined) return;
        const tag = parseTag('1');
        expect(parseReference(printReference({ ...name, tag }))).toEqual({ ...name, tag });
        expect(names.exact(wire)[0]).toEqual(name);
        expect(names.forWriting({ name: names.onWire(name), ns: undefined })).toEqual(name);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each<[string, string | null, RepositoryName]>([
    ['docker.io/alpine', null, { registry: 'docker.io', repository: 'library/alpine' }],
    ['alpine', 'registry-1.docker.io', { registry: 'docker.io', repository: 'library/alpine' }],
    ['library/alpine', 'docker.io', { registry: 'docker.io', repository: 'library/alpine' }],
    ['10.5.0.1_5000/a', null, { registry: '10.5.0.1:5000', repository: 'a' }],
    ['a', '10.5.0.1:5000', { registry: '10.5.0.1:5000', repository: 'a' }],
    ['localhost_5000/a', null, { registry: 'localhost:5000', repository: 'a' }],
    ['team_5000/a', null, { registry: 'team:5000', repository: 'a' }],
    ['team/a', null, { registry: 'localhost', repository: 'team/a' }],
  ])('%j for %j', (text, ns, expected) => {
    const wire = wireOf(text, ns);
    expect(wire && names.exact(wire)[0]).toEqual(expected);
  });
});

describe('what was pushed', () => {
  it('is there under the same name when the layout is opened again, or was refused', async () => {
    const registry = await startRegistry('layout');
    try {
      const image = await registry.image('some/where');
      const wanted = ['docker.io/alpine', '10.5.0.1_5000/team/app', 'localhost/app', 'plain', 'a'.repeat(245)];
      for (const name of wanted) expect((await registry.put(name, '1', image)).status, name).toBe(201);
      for (const name of ['a'.repeat(246), 'f'.repeat(64)]) {
        expect(await refusalOf(await registry.put(name, '1', image)), name).toEqual([400, 'NAME_INVALID']);
        const upload = await registry.ask(`/v2/${name}/blobs/uploads/`, { method: 'POST' });
        expect(await refusalOf(upload), name).toEqual([400, 'NAME_INVALID']);
      }
      const again = await openLayout(registry.directory, { readOnly: true });
      const server = await serveStore(again);
      const statusOf = async (path: string) => (await fetch(new URL(path, server.url), { method: 'HEAD' })).status;
      for (const name of wanted) expect(await statusOf(`/v2/${name}/manifests/1`), name).toBe(200);
      expect(await statusOf('/v2/library/alpine/manifests/1?ns=docker.io')).toBe(200);
      expect(await statusOf('/v2/team/app/manifests/1?ns=10.5.0.1:5000')).toBe(200);
      await server.close();
      await again.close();
    } finally {
      await registry.close();
    }
  });
});
