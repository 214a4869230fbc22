import { describe, expect, it } from 'vitest';
import { basePath, cleanPath, escapedPath, parseGoUrl } from '../../src/node/go-url.ts';

describe('parseGoUrl()', () => {
  // What url.Parse() of Go 1.26 answers.
  it.each([
    ['http://m', { scheme: 'http', host: 'm', path: '' }],
    ['HTTP://M:80/', { scheme: 'http', host: 'M:80', path: '/' }],
    ['https://u:p@[fd00::1]:5000/v2/x?y#z', { scheme: 'https', host: '[fd00::1]:5000', path: '/v2/x' }],
    ['mirror.site', { scheme: '', host: '', path: 'mirror.site' }],
    ['mirror.site/x', { scheme: '', host: '', path: 'mirror.site/x' }],
    ['mirror.site:5000', { scheme: 'mirror.site', host: '', path: '' }],
    ['//m/x', { scheme: '', host: 'm', path: '/x' }],
    ['http:/m', { scheme: 'http', host: '', path: '/m' }],
    ['http:///m', { scheme: 'http', host: '', path: '/m' }],
    ['http://m:', { scheme: 'http', host: 'm:', path: '' }],
    ['', { scheme: '', host: '', path: '' }],
    ['10.5.0.1:6000', { refused: 'first path segment in URL cannot contain colon' }],
    [':80', { refused: 'missing protocol scheme' }],
    ['http://m:x', { refused: 'invalid port ":x" after host' }],
    ['http://[::1', { refused: "missing ']' in host" }],
    ['http://[::1]x', { refused: 'invalid port "x" after host' }],
    ['http://a b', { refused: 'invalid character " " in host name' }],
    ['http://a"<b', { scheme: 'http', host: 'a"<b', path: '' }],
    ['http://a@b@c/', { scheme: 'http', host: 'c', path: '/' }],
    ['http://a%20b', { refused: 'invalid URL escape "%20"' }],
    ['http://m/%zz', { refused: 'invalid URL escape "%zz"' }],
    ['http://m/a%20b', { scheme: 'http', host: 'm', path: '/a b' }],
    ['http://m/%762/a%2Fb', { scheme: 'http', host: 'm', path: '/v2/a/b' }],
    ['http://a[b', { refused: 'invalid IP-literal' }],
    ['http://a\\b', { refused: 'invalid character "\\\\" in host name' }],
    ['a b:c', { refused: 'first path segment in URL cannot contain colon' }],
    ['http://a\n', { refused: 'invalid control character in URL' }],
  ])('%j', (text, expected) => {
    expect(parseGoUrl(text)).toEqual(expected);
  });
});

describe('paths', () => {
  it.each([
    ['', '.', ''],
    ['/', '/', ''],
    ['//', '/', ''],
    ['/v2/', '/v2', '/v2'],
    ['/a/../../b/.', '/b', '/b'],
    ['a//b', 'a/b', '/a/b'],
  ])('%j', (path, clean, base) => {
    expect([cleanPath(path), basePath(path)]).toEqual([clean, base]);
  });

  // What URL.EscapedPath() of Go 1.26 answers.
  it.each([
    ['/v2/a b', '/v2/a%20b'],
    ["/a!'()*é%", '/a%21%27%28%29%2A%C3%A9%25'],
    ['/a$&+,:;=@-_.~', '/a$&+,:;=@-_.~'],
  ])('%j is written as %j', (path, expected) => {
    expect(escapedPath(path)).toBe(expected);
  });
});
