/** The token service: what is asked of it and what it gives (distribution token specification: GET, and POST after OAuth 2). */
import { AirgapError } from '../errors.ts';
import type { Credential } from './client.ts';

export interface TokenWish {
  readonly realm: URL;
  readonly service: string | undefined;
  readonly scopes: readonly string[];
}

export interface TokenRequest {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | undefined;
}

export interface Token {
  readonly text: string;
  /** By performance.now(); counted from before it was asked for, with a margin for the way. */
  readonly validUntil: number;
}

const client = 'airgap';
const defaultLifeSeconds = 60;
const longestLifeSeconds = 86_400;

/** Asks with a user name and password, or without. */
export function tokenByGet(wish: TokenWish, credential: Credential | undefined): TokenRequest {
  const url = new URL(wish.realm);
  if (wish.service !== undefined) url.searchParams.set('service', wish.service);
  for (const scope of wish.scopes) url.searchParams.append('scope', scope);
  if (credential !== undefined && 'username' in credential) url.searchParams.set('account', credential.username);
  const headers: Record<string, string> = { accept: 'application/json' };
  if (credential !== undefined) headers.authorization = basicHeader(credential);
  return { method: 'GET', url, headers, body: undefined };
}

/** Exchanges an identity token. */
export function tokenByPost(wish: TokenWish, identityToken: string): TokenRequest {
  const form = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: identityToken, client_id: client });
  if (wish.service !== undefined) form.set('service', wish.service);
  if (wish.scopes.length > 0) form.set('scope', wish.scopes.join(' '));
  return {
    method: 'POST',
    url: wish.realm,
    headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
    body: new TextEncoder().encode(form.toString()),
  };
}

/** An identity token goes under the user name Docker gives it. */
export function basicHeader(credential: Credential): string {
  const pair =
    'username' in credential ? `${credential.username}:${credential.password}` : `<token>:${credential.identityToken}`;
  return `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`;
}

/** Reads the service's answer. Throws ERR_PROTOCOL when there is no usable token in it. */
export function parseToken(
  text: string,
  facts: { readonly askedAt: number; readonly action: string; readonly host: string },
): Token {
  const fields = parseObject(text);
  const token = [fields.token, fields.access_token].find((value) => typeof value === 'string' && value !== '');
  if (typeof token !== 'string' || token.length > 64 * 1024 || !/^[\x21-\x7e]+$/.test(token)) {
    throw new AirgapError('ERR_PROTOCOL', `Cannot ${facts.action}: token service ${facts.host} gave no usable token`, {
      host: facts.host,
    });
  }
  const said = fields.expires_in;
  const life = typeof said === 'number' && said > 0 ? Math.min(said, longestLifeSeconds) : defaultLifeSeconds;
  const margin = Math.min(10_000, life * 100);
  return { text: token, validUntil: facts.askedAt + life * 1000 - margin };
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
