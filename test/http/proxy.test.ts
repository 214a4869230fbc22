import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseProxy } from '../../src/http/proxy.ts';

const httpProxy = 'http://web.proxy:3128';
const httpsProxy = 'secure.proxy:8443';
const through = (noProxy: string, url: string) =>
  chooseProxy({ httpProxy, httpsProxy, noProxy })(new URL(url))?.url.host;

describe('chooseProxy()', () => {
  it('takes the proxy of the URL scheme, none where none is set', () => {
    expect(through('', 'http://a.test/')).toBe('web.proxy:3128');
    expect(through('', 'https://a.test/')).toBe('secure.proxy:8443');
    expect(chooseProxy({ httpProxy })(new URL('https://a.test/'))).toBeUndefined();
    expect(chooseProxy()(new URL('https://a.test/'))).toBeUndefined();
  });

  it.each(['http://localhost:5000', 'http://127.0.0.1', 'https://127.8.9.1:5000', 'https://[::1]:5000'])(
    'never takes one to %s',
    (url) => {
      expect(through('', url)).toBeUndefined();
    },
  );

  it.each([
    ['*', 'https://a.test', true],
    ['a.test', 'https://a.test', true],
    ['A.Test', 'https://a.test', true],
    ['a.test', 'https://sub.a.test', true],
    ['a.test', 'https://nota.test', false],
    ['.a.test', 'https://sub.a.test', true],
    ['.a.test', 'https://a.test', false],
    ['*.a.test', 'https://x.sub.a.test', true],
    ['*.a.test', 'https://a.test', false],
    ['a.test:443', 'https://a.test', true],
    ['a.test:5000', 'https://a.test', false],
    ['a.test:5000', 'http://a.test:5000', true],
    ['10.1.2.3', 'https://10.1.2.3:5000', true],
    ['10.1.2.3:5000', 'https://10.1.2.3:5001', false],
    ['10.0.0.0/8', 'https://10.200.0.1', true],
    ['10.0.0.0/8', 'https://11.0.0.1', false],
    ['fd00::/8', 'https://[fd12::1]', true],
    ['[fd12::1]:443', 'https://[fd12::1]', true],
    ['b.test, ,a.test', 'https://a.test', true],
    ['10.0.0.0/99,/,:80', 'https://a.test', false],
  ])('NO_PROXY=%s and %s: direct is %s', (noProxy, url, direct) => {
    expect(through(noProxy, url) === undefined).toBe(direct);
  });

  it('reads user name and password, and keeps them out of the URL', () => {
    const proxy = chooseProxy({ httpsProxy: 'http://me:p%40ss@proxy.test:1' })(new URL('https://a.test'));
    expect(proxy?.authorization).toBe(`Basic ${Buffer.from('me:p@ss').toString('base64')}`);
    expect(proxy?.url.href).toBe('http://proxy.test:1/');
  });

  it.each(['socks5://a.test:1', 'http://', '::'])('throws ERR_USAGE for %s without repeating it', (text) => {
    expect(() => chooseProxy({ httpsProxy: text })).toThrow('Cannot use HTTPS_PROXY: not an http or https URL');
  });

  it('reads any NO_PROXY without throwing', () => {
    fc.assert(fc.property(fc.string(), (noProxy) => through(noProxy, 'https://a.test:5000') !== ''));
  });
});
