/** Who may come in: a token service with short-lived, scoped tokens, or a name and password. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

export interface TokenRules {
  /** How long a token is good. Default 300 000. */
  readonly lifetimeMs?: number;
  /** What `expires_in` says, in seconds; 0 leaves it out. Default: the truth, rounded down. */
  readonly expiresIn?: number;
  /** How long the service thinks. Default 0. */
  readonly delayMs?: number;
  /** Who gets tokens. Default: everyone. */
  readonly credential?: { readonly username: string; readonly password: string };
  /** Where the challenge sends clients. Default: `/token` of the same server. */
  readonly realm?: string;
  /** Gives `access_token` instead of `token`. */
  readonly accessTokenOnly?: boolean;
}

export interface GuardRules {
  readonly tokens?: TokenRules;
  readonly basic?: { readonly username: string; readonly password: string };
}

interface IssuedToken {
  readonly scopes: readonly string[];
  readonly expiresAt: number;
}

export class Guard {
  readonly #rules: GuardRules;
  readonly #issued = new Map<string, IssuedToken>();
  /** Tokens given out so far. */
  issued = 0;

  constructor(rules: GuardRules) {
    this.#rules = rules;
  }

  /** Makes every token out there invalid. */
  revoke(): void {
    this.#issued.clear();
  }

  /** True when the request may pass; otherwise it was answered 401 with a challenge. */
  admits(request: IncomingMessage, response: ServerResponse): boolean {
    const { tokens, basic } = this.#rules;
    const authorization = request.headers.authorization ?? '';
    if (basic !== undefined) {
      if (authorization === basicOf(basic)) return true;
      return deny(request, response, 'Basic realm="test"');
    }
    if (tokens === undefined) return true;
    const needed = scopesFor(request);
    const token = this.#issued.get(authorization.replace(/^Bearer /, ''));
    const isGood = token !== undefined && token.expiresAt > performance.now();
    if (isGood && needed.every((scope) => grants(token.scopes, scope))) return true;
    const realm = tokens.realm ?? `http://${request.headers.host}/token`;
    const scope = needed.length === 0 ? '' : `,scope="${needed.join(' ')}"`;
    const error = authorization === '' ? '' : `,error="${isGood ? 'insufficient_scope' : 'invalid_token'}"`;
    return deny(request, response, `Bearer realm="${realm}",service="test"${scope}${error}`);
  }

  /** Answers a request for a token. */
  async issue(request: IncomingMessage, response: ServerResponse): Promise<number> {
    const rules = this.#rules.tokens ?? {};
    if (rules.delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, rules.delayMs));
    if (rules.credential !== undefined && request.headers.authorization !== basicOf(rules.credential)) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="tokens"' }).end();
      return 401;
    }
    const scopes = new URL(request.url ?? '/', 'http://x').searchParams
      .getAll('scope')
      .flatMap((text) => text.split(' '));
    const token = randomUUID();
    const lifetime = rules.lifetimeMs ?? 300_000;
    this.#issued.set(token, { scopes, expiresAt: performance.now() + lifetime });
    this.issued += 1;
    const expiresIn = rules.expiresIn ?? Math.max(1, Math.floor(lifetime / 1000));
    const body = {
      ...(rules.accessTokenOnly === true ? { access_token: token } : { token }),
      ...(expiresIn === 0 ? {} : { expires_in: expiresIn }),
    };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    return 200;
  }
}

function deny(request: IncomingMessage, response: ServerResponse, challenge: string): false {
  request.resume();
  response.writeHead(401, { 'www-authenticate': challenge, 'content-type': 'application/json' });
  response.end('{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}');
  return false;
}

function scopesFor(request: IncomingMessage): string[] {
  const path = (request.url ?? '/').replace(/\?.*$/, '');
  if (path === '/v2/_catalog') return ['registry:catalog:*'];
  const name = /^\/v2\/(.+)\/(?:manifests|blobs|tags|referrers)\//.exec(
    path.replace(/\/blobs\/uploads\/.*$/, '/blobs/'),
  )?.[1];
  if (name === undefined) return [];
  const writes = !['GET', 'HEAD'].includes(request.method ?? 'GET') || path.includes('/blobs/uploads/');
  return [`repository:${name}:${writes ? 'pull,push' : 'pull'}`];
}

function grants(granted: readonly string[], needed: string): boolean {
  const cut = needed.lastIndexOf(':');
  const actions = needed.slice(cut + 1).split(',');
  const given = granted.filter((scope) => scope.slice(0, scope.lastIndexOf(':')) === needed.slice(0, cut));
  const all = given.flatMap((scope) => scope.slice(scope.lastIndexOf(':') + 1).split(','));
  return all.includes('*') || actions.every((action) => all.includes(action));
}

function basicOf(credential: { readonly username: string; readonly password: string }): string {
  return `Basic ${Buffer.from(`${credential.username}:${credential.password}`).toString('base64')}`;
}
