/** A token service as docker-registry's token authentication expects it (distribution, docs/spec/auth/token.md). */
import { createSign, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { makeSigningKey, type SigningKey } from './certificates.ts';

export interface TokenServiceOptions {
  /** Default ES256. */
  readonly algorithm?: 'RS256' | 'ES256';
  /** When given, only this user gets a token; otherwise everybody does. */
  readonly user?: { readonly name: string; readonly password: string };
  /** Seconds a token lives. Default 300. */
  readonly lifetime?: number;
}

export interface TokenService {
  readonly realm: string;
  readonly issuer: string;
  readonly service: string;
  /** For docker-registry's `rootcertbundle`. */
  readonly certificatePath: string;
  /** Scopes asked for so far, one string for each token that was given out. */
  readonly granted: string[];
  stop(): Promise<void>;
}

export async function startTokenService(options: TokenServiceOptions = {}): Promise<TokenService> {
  const algorithm = options.algorithm ?? 'ES256';
  const key = await makeSigningKey(algorithm);
  const names = { issuer: 'test tokens', service: 'test registry' };
  const granted: string[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://service.invalid');
    const scopes = url.searchParams.getAll('scope').flatMap((scope) => scope.split(' '));
    response.setHeader('content-type', 'application/json');
    if (!mayEnter(request, options)) {
      response.writeHead(401).end('{"errors":[{"code":"UNAUTHORIZED","message":"wrong user or password"}]}');
      return;
    }
    granted.push(scopes.join(' '));
    const lifetime = options.lifetime ?? 300;
    const token = signToken({ algorithm, key, lifetime, scopes, ...names });
    response.end(JSON.stringify({ token, expires_in: lifetime, issued_at: new Date().toISOString() }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    realm: `http://127.0.0.1:${port}/token`,
    ...names,
    certificatePath: key.certificatePath,
    granted,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

function mayEnter(request: IncomingMessage, { user }: TokenServiceOptions): boolean {
  if (user === undefined) return true;
  const expected = `Basic ${Buffer.from(`${user.name}:${user.password}`).toString('base64')}`;
  return request.headers.authorization === expected;
}

interface TokenContent {
  readonly algorithm: 'RS256' | 'ES256';
  readonly key: SigningKey;
  readonly issuer: string;
  readonly service: string;
  readonly lifetime: number;
  readonly scopes: readonly string[];
}

function signToken({ algorithm, key, issuer, service, lifetime, scopes }: TokenContent): string {
  const now = Math.floor(Date.now() / 1000);
  const chain = key.certificatePem.replaceAll(/-----[A-Z ]+-----|\s/g, '');
  const header = { typ: 'JWT', alg: algorithm, x5c: [chain] };
  const claims = {
    iss: issuer,
    sub: '',
    aud: service,
    exp: now + lifetime,
    nbf: now - 10,
    iat: now,
    jti: randomUUID(),
    access: scopes.filter((scope) => scope !== '').map(accessOf),
  };
  const signed = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  const signer = createSign('SHA256').update(signed);
  const signature = signer.sign({ key: key.keyPem, dsaEncoding: 'ieee-p1363' });
  return `${signed}.${signature.toString('base64url')}`;
}

/** `repository:NAME:ACTION[,ACTION]`; a name may hold colons where a port does. */
function accessOf(scope: string): { type: string; name: string; actions: string[] } {
  const parts = scope.split(':');
  return { type: parts[0] ?? '', name: parts.slice(1, -1).join(':'), actions: (parts.at(-1) ?? '').split(',') };
}
