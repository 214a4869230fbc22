import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { mediaTypes } from '../../../src/oci/media-type.ts';
import type { RepositoryName, Tag } from '../../../src/oci/reference.ts';
import { serveStore } from '../../../src/serve/open.ts';
import { type PageFacts, registryPage } from '../../../src/serve/page/page.ts';
import { openMemory } from '../../../src/store/memory/open.ts';
import type { ReadableRepository, Source, Target } from '../../../src/store/store.ts';
import { Pile } from '../../support/pile.ts';
import { seedImage } from '../../support/seedImages.ts';
import { seedSet } from '../../support/seedSet.ts';
import { watch } from '../../support/watched.ts';

const facts: PageFacts = {
  place: 'oci:airgap-mirror',
  endpoint: 'http://10.5.0.1:6000',
  talosPatch: { version: 'v1.14.4', text: "kind: RegistryMirrorConfig\nname: '*'\n" },
  writable: false,
  tls: 'none',
  version: '1.2.3',
};

const running: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of running.splice(0)) await close();
});

async function serve(store: Source, changes: Partial<PageFacts> = {}): Promise<string> {
  const server = await serveStore(store, { page: registryPage({ ...facts, ...changes }) });
  running.push(() => server.close());
  return server.url;
}

async function text(url: string, init: RequestInit = {}): Promise<string> {
  const answer = await fetch(url, init);
  expect(answer.status).toBe(200);
  return answer.text();
}

/** References of the rows that are shown. */
function rows(page: string): string[] {
  const shown = page.matchAll(/<tbody class="image[^>]*>(?:(?!<tbody)[\s\S])*?Details of ([^<]*)</g);
  return [...shown].filter(([row]) => !/^<tbody[^>]* hidden>/.test(row)).map(([, name]) => name ?? '');
}

/** `count` images of one repository, quickly: they differ in their manifest alone. */
async function seedMany(store: Target, count: number): Promise<void> {
  const pile = new Pile(store.repository({ registry: 'ghcr.io', repository: 'big/repo' }));
  const config = await pile.blob(mediaTypes.ociConfig, Buffer.from('{"os":"linux","architecture":"amd64"}'));
  for (let number = 0; number < count; number += 1) {
    const document = {
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config,
      layers: [],
      annotations: { n: `${number}` },
    };
    await pile.manifest(document, { mediaType: mediaTypes.ociManifest, tag: `v1.${number}` as Tag });
  }
}

describe('the page', () => {
  it('shows what is here and how to get it', async () => {
    const store = openMemory();
    const { images } = await seedSet(store);
    const page = await text(await serve(store));
    expect(rows(page)).toEqual([...images.keys()].filter((name) => !name.includes('@')).sort());
    expect(page).not.toContain('.sig</b>');
    for (const expected of [
      '<h1>oci:airgap-mirror</h1>',
      'talosctl image pull ghcr.io/siderolabs/kubelet:v1.37.1',
      'crictl pull registry.k8s.io/pause:3.10',
      'ctr -n k8s.io images pull --plain-http 10.5.0.1:6000/registry.k8s.io/pause:3.10',
      'docker pull 10.5.0.1:6000/mcr.local_5000/windows/server:1',
      'href="/v2/pause/manifests/3.10?ns=registry.k8s.io"',
      'kind: RegistryMirrorConfig\nname: &#39;*&#39;\n',
      '<span class="chip">linux/arm/v7</span>',
      'airgap 1.2.3',
    ]) {
      expect(page).toContain(expected);
    }
  });

  it('links to what this server answers', async () => {
    const store = openMemory();
    await seedSet(store);
    const url = await serve(store);
    const page = await text(url);
    const links = [...page.matchAll(/href="(\/v2\/[^"]+)"/g)].map(([, href]) => href?.replaceAll('&amp;', '&') ?? '');
    expect(links.length).toBeGreaterThan(20);
    for (const link of links) expect((await fetch(url + link)).status, link).toBe(200);
  });

  it('runs and looks by what its policy names alone, and sets no cookie', async () => {
    const url = await serve(openMemory());
    const answer = await fetch(url);
    const page = await answer.text();
    const policy = answer.headers.get('content-security-policy') ?? '';
    const hashOf = (tag: string) => {
      const found = [...page.matchAll(new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`, 'g'))];
      expect(found).toHaveLength(1);
      return createHash('sha256')
        .update(found[0]?.[1] ?? '')
        .digest('base64');
    };
    expect(policy.split('; ')).toEqual([
      "default-src 'none'",
      `style-src 'sha256-${hashOf('style')}'`,
      `script-src 'sha256-${hashOf('script')}'`,
      'img-src data:',
      "base-uri 'none'",
      "form-action 'self'",
      "frame-ancestors 'none'",
    ]);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(answer.headers.get('referrer-policy')).toBe('no-referrer');
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(answer.headers.get('set-cookie')).toBeNull();
    expect(page).not.toMatch(/<[^>]+\s(on[a-z]+|style)=/);
    expect(page).not.toMatch(/(?:src|href|action)="(?!\/(?!\/)|#|data:image\/svg)/);
    expect(page.length).toBeLessThan(30_000);
  });

  it('answers HEAD like GET, and 304 while nothing changed', async () => {
    const store = openMemory();
    await seedImage(store, 'ghcr.io/a/b:1');
    const url = await serve(store);
    const first = await fetch(url);
    const etag = first.headers.get('etag') ?? '';
    const length = (await first.arrayBuffer()).byteLength;
    const head = await fetch(url, { method: 'HEAD' });
    expect([head.status, head.headers.get('etag'), head.headers.get('content-length')]).toEqual([
      200,
      etag,
      String(length),
    ]);
    const conditional = { headers: { 'if-none-match': `"other", W/${etag}` } };
    expect((await fetch(url, conditional)).status).toBe(304);
    expect((await fetch(`${url}/?q=a`, conditional)).status).toBe(200);
    await seedImage(store, 'ghcr.io/a/b:2');
    const changed = await fetch(url, conditional);
    expect([changed.status, rows(await changed.text()).length]).toEqual([200, 2]);
    expect((await fetch(url, { method: 'POST' })).status).toBe(404);
  });

  it('reads nothing again for a page that is loaded again', async () => {
    const store = openMemory();
    await seedImage(store, 'ghcr.io/a/b:1');
    const watched = Object.assign(watch(store), { revision: async () => (await store.revision?.()) ?? '' });
    const url = await serve(watched);
    await text(url);
    const calls = watched.calls.length;
    for (const path of ['/', '/?q=b', '/?page=2', '/?q=nothing']) await text(url + path);
    expect(watched.calls.length).toBe(calls);
    await seedImage(store, 'ghcr.io/a/b:2');
    await text(url);
    expect(watched.calls.length).toBeGreaterThan(calls);
  });

  it('searches by name, digest, platform and kind, without a script', async () => {
    const store = openMemory();
    const { images } = await seedSet(store);
    const url = await serve(store);
    const found = async (q: string) => rows(await text(`${url}/?${new URLSearchParams({ q })}`));
    expect(await found('KUBE-  scheduler')).toEqual(['registry.k8s.io/kube-scheduler:v1.37.1']);
    expect(await found('windows/amd64')).toEqual(['mcr.local:5000/windows/server:1']);
    expect(await found('signature kubelet')).toEqual(['ghcr.io/siderolabs/kubelet:v1.37.1']);
    const digest = images.get('registry.k8s.io/pause:3.10')?.root.digest ?? '';
    expect(await found(digest.slice(0, 30))).toEqual(['registry.k8s.io/pause:3.10']);
    expect(await found('no such thing')).toEqual([]);
    expect(await text(`${url}/?q=no+such+thing`)).toContain('No image matches');
    expect(await found('')).toHaveLength(14);
  });

  it('leafs through many images and finds any of them', async () => {
    const store = openMemory();
    await seedMany(store, 450);
    const url = await serve(store);
    const seen: string[] = [];
    for (let path: string | undefined = '/'; path !== undefined; ) {
      const page: string = await text(url + path);
      seen.push(...rows(page));
      path = /<a rel="next" href="([^"]+)"/.exec(page)?.[1]?.replaceAll('&amp;', '&');
    }
    expect(seen).toHaveLength(450);
    expect(new Set(seen).size).toBe(450);
    expect([seen[0], seen[449]]).toEqual(['ghcr.io/big/repo:v1.449', 'ghcr.io/big/repo:v1.0']);
    expect(await text(url)).toContain('1 to 200 of 450 images');
    expect(rows(await text(`${url}/?q=v1.44`))).toHaveLength(11);
    expect(await text(`${url}/?q=v1&page=3`)).toContain('401 to 450 of 450 found');
    for (const page of ['0', '-1', '99', 'x', '1e9', '1.5']) {
      expect(rows(await text(`${url}/?page=${page}`)).length, page).toBe(page === '99' ? 50 : 200);
    }
  });

  it('shows at once how nodes get at a store that takes long to read, and then what is in it', async () => {
    const store = openMemory();
    await seedImage(store, 'ghcr.io/a/b:1');
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow = watch(store, { before: (call) => (call.startsWith('manifest') ? held : undefined) });
    const server = await serveStore(slow, { page: registryPage(facts, { patienceMs: 50 }) });
    running.push(() => server.close());
    const first = await text(server.url);
    expect(first).toContain('<meta http-equiv="refresh" content="2">');
    expect(first).toContain('0 of 1 name so far');
    expect(first).toContain('RegistryMirrorConfig');
    release();
    await expect.poll(async () => rows(await text(server.url))).toEqual(['ghcr.io/a/b:1']);
    expect(await text(server.url)).not.toContain('http-equiv="refresh"');
  });

  it('offers no mirror for what was pushed without an upstream registry', async () => {
    const store = openMemory();
    await seedImage(store, 'localhost/team/app:1');
    const page = await text(await serve(store));
    expect(page).toContain('docker pull 10.5.0.1:6000/team/app:1');
    expect(page).toContain('href="/v2/team/app/manifests/1"');
    expect(page).not.toContain('Mirrors ask');
    expect(page).not.toContain('crictl');
  });

  it('says what an empty registry is waiting for', async () => {
    expect(await text(await serve(openMemory()))).toContain('airgap mirror --talos');
    const writable = await text(await serve(openMemory(), { writable: true }));
    expect(writable).toContain('docker://10.5.0.1:6000/NAME:TAG');
    expect(writable).toContain('takes pushes');
    expect(await text(await serve(watch(openMemory(), { without: ['catalog'] })))).toContain('cannot be listed');
  });

  it('gives the authority of a self-signed certificate away, and what to do with it', async () => {
    const store = openMemory();
    await seedImage(store, 'ghcr.io/a/b:1');
    const caPem = '-----BEGIN CERTIFICATE-----\nno certificate\n-----END CERTIFICATE-----\n';
    const tls = { endpoint: 'https://10.5.0.1:6000', tls: 'self-signed', caPem } as const;
    const page = await text(await serve(store, tls));
    expect(page).toContain(caPem);
    expect(page).toContain(`base64,${Buffer.from(caPem).toString('base64')}"`);
    expect(page).toContain('--tlscacert airgap-ca.crt 10.5.0.1:6000/ghcr.io/a/b:1');
    expect(page).toContain('HTTPS');
    expect(await text(await serve(store, { ...tls, caPem: undefined }))).not.toContain('Certificate authority');
  });
});

describe('the page and hostile content', () => {
  const evil = '"><script>alert(1)</script><img src=x onerror=alert(1)>\u202e';

  /** A store that breaks every rule about names, and whose manifests say what they like. */
  async function hostile(): Promise<Source> {
    const store = openMemory();
    const pile = new Pile(store.repository({ registry: 'ghcr.io', repository: 'a/b' }));
    const config = await pile.blob(mediaTypes.ociConfig, Buffer.from(JSON.stringify({ os: evil, architecture: evil })));
    const layers = [await pile.blob('text/plain', Buffer.from('x'))];
    const common = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, annotations: { [evil]: evil } };
    const image = await pile.manifest(
      { ...common, config, layers },
      { mediaType: mediaTypes.ociManifest, tag: 'one' as Tag },
    );
    const empty = await pile.blob(mediaTypes.ociEmpty, Buffer.from('{}'));
    const artifact = { ...common, artifactType: evil, config: empty, layers, subject: image };
    await pile.manifest(artifact, { mediaType: mediaTypes.ociManifest, tag: 'two' as Tag });
    const manifests = [{ ...image, platform: { os: '<b>linux', architecture: '$(reboot)', variant: evil } }];
    const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests };
    await pile.manifest(index, { mediaType: mediaTypes.ociIndex, tag: 'three' as Tag });
    const inner = store.repository({ registry: 'ghcr.io', repository: 'a/b' });
    const named = (name: RepositoryName): ReadableRepository => ({
      name,
      resolve: (asked) => inner.resolve(asked),
      manifest: (asked) => inner.manifest(asked),
      exists: (descriptor) => inner.exists(descriptor),
      fetch: (descriptor) => inner.fetch(descriptor),
      async *tags() {
        yield* ['one', 'two', 'three', `x;reboot #${evil}`] as Tag[];
      },
    });
    return {
      repository: named,
      async *catalog() {
        yield { registry: evil, repository: `a/${evil}` };
        yield { registry: 'ghcr.io', repository: 'a/$(reboot)' };
        yield { registry: 'ghcr.io', repository: 'a/b' };
      },
      close: async () => {},
    };
  }

  it('shows it as text and keeps it away from shells', async () => {
    const page = await text(await serve(await hostile(), { place: evil, talosPatch: { version: evil, text: evil } }));
    expect(rows(page)).toHaveLength(12);
    expect(page.match(/<script/g)).toHaveLength(1);
    expect(page.match(/<\/script/g)).toHaveLength(1);
    expect(page).not.toContain('<img');
    expect(page).not.toContain('\u202e');
    expect(page).toContain('&quot;&gt;&lt;script&gt;alert(1)');
    for (const [, command] of page.matchAll(/data-copy="command for [a-z]+">([^<]*)</gi)) {
      expect(command).toMatch(/^[A-Za-z0-9._:@/ -]+=?[A-Za-z0-9._:@/ -]*$/);
    }
    expect(page).toContain('Its name is not one a tool can ask for');
    expect(page).toContain('&lt;b&gt;linux/$(reboot)');
    expect(page.match(/Unreadable/g)).toHaveLength(3);
  });

  it('shows a question as text and bounds it', async () => {
    const store = openMemory();
    await seedImage(store, 'ghcr.io/a/b:1');
    const url = await serve(store);
    const page = await text(`${url}/?q=${encodeURIComponent(evil)}&page=${encodeURIComponent(evil)}`);
    expect(page.match(/<script/g)).toHaveLength(1);
    expect(page).toContain('value="&quot;&gt;&lt;script&gt;');
    expect(await text(`${url}/?q=${'x'.repeat(1500)}`)).toContain(`value="${'x'.repeat(200)}"`);
    expect((await fetch(`${url}/?q=%ff%00%zz`)).status).toBe(200);
  });
});
