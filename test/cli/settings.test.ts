import { describe, expect, it } from 'vitest';
import { readSettings } from '../../src/cli/settings.ts';

const read = (flags: Record<string, unknown> = {}, env: Record<string, string> = {}) =>
  readSettings(['images.txt'], flags, { env, cwd: '/site' });

describe('readSettings()', () => {
  it('fills in every default', () => {
    expect(read()).toMatchObject({
      inputs: ['images.txt'],
      to: { kind: 'layout', directory: 'airgap-mirror' },
      toGiven: false,
      lockFile: '/site/airgap.lock',
      patchFile: '/site/airgap-talos.yaml',
      signatures: true,
      retries: 5,
      timeoutMs: undefined,
      idleTimeoutMs: 60_000,
      source: { concurrency: 12, caFiles: [], user: undefined },
      target: { concurrency: 10 },
      plainHttp: false,
      insecureSkipVerify: false,
      output: { json: false, quiet: false, color: true },
    });
  });

  it('takes flags before the environment', () => {
    const env = {
      AIRGAP_TO: 'env.example',
      AIRGAP_LOCK: 'env.lock',
      AIRGAP_CA: '/ca.pem',
      AIRGAP_TO_CA: 'to.pem',
      AIRGAP_ENDPOINT: 'https://nodes.example',
    };
    expect(read({}, env)).toMatchObject({
      to: { host: 'env.example' },
      toGiven: true,
      lockFile: '/site/env.lock',
      endpoint: 'https://nodes.example',
      source: { caFiles: ['/ca.pem'] },
      target: { caFiles: ['/ca.pem', '/site/to.pem'] },
    });
    expect(read({ to: 'flag.example', lock: 'sub/flag.lock' }, env)).toMatchObject({
      to: { host: 'flag.example' },
      lockFile: '/site/sub/flag.lock',
      patchFile: '/site/sub/flag-talos.yaml',
    });
  });

  it('honours proxies in both cases, lower case first', () => {
    expect(
      read({}, { HTTPS_PROXY: 'http://a:1', https_proxy: 'http://b:1', HTTP_PROXY: 'http://c:1', NO_PROXY: 'x' }).proxy,
    ).toEqual({
      httpsProxy: 'http://b:1',
      httpProxy: 'http://c:1',
      noProxy: 'x',
    });
  });

  it('turns colour off for NO_COLOR, --no-color and a dumb terminal, and knows UTF-8', () => {
    expect(read({}, { NO_COLOR: '1' }).output.color).toBe(false);
    expect(read({}, { NO_COLOR: '' }).output.color).toBe(true);
    expect(read({ color: false }).output.color).toBe(false);
    expect(read({}, { TERM: 'dumb' }).output.color).toBe(false);
    expect([
      read({}, { LANG: 'C.UTF-8' }).output.unicode,
      read({}, { LANG: 'C.UTF-8', LC_ALL: 'C' }).output.unicode,
    ]).toEqual([true, false]);
  });

  it('takes passwords from the environment and hands them to nothing else', () => {
    const settings = read({ toUser: 'me' }, { AIRGAP_TO_PASSWORD: 'geheim', DOCKER_CONFIG: '/d' });
    expect(settings.target).toMatchObject({ user: 'me', password: 'geheim' });
    expect(settings.environment).toEqual({ DOCKER_CONFIG: '/d' });
  });

  it('is frozen to its leaves', () => {
    const settings = read({ platform: ['linux/amd64'] });
    expect(
      Object.isFrozen(settings) && Object.isFrozen(settings.wish.platforms) && Object.isFrozen(settings.target),
    ).toBe(true);
  });

  it('takes the configuration for the release of the images, unless another is named', () => {
    expect(read({ talos: 'v1.13.9' }).configVersion).toMatchObject({ minor: 13 });
    expect(read({ talos: 'v1.13.9', talosVersion: 'v1.11.6' }).configVersion).toMatchObject({ minor: 11 });
    expect(read().configVersion).toBeUndefined();
  });
});
