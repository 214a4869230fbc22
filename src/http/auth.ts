/**
 * Who we are to each host: answers challenges, keeps tokens, and sends a credential nowhere but to the host it was given for and
 * the token service that host names (RFC 9110, 11.6; distribution token specification).
 */
import { SingleFlight } from '../async/single-flight.ts';
import { AirgapError, isAirgapError } from '../errors.ts';
import { type Challenge, parseChallenges, preferredChallenge } from './challenge.ts';
import type { Credential, CredentialLookup, HttpClientSettings } from './client.ts';
import { isLinkLocal, isLoopback, isNameable } from './hosts.ts';
import { coversScope, mergeScopes } from './scopes.ts';
import { basicHeader, parseToken, type Token, type TokenRequest, tokenByGet, tokenByPost } from './token.ts';

export interface AuthSettings {
  readonly credentials: CredentialLookup;
  readonly credentialsOverPlainHttp: boolean;
  readonly beforeLeaving?: HttpClientSettings['beforeLeaving'];
  /** Sends a request to a token service with retries and without any authorization of its own. */
  readonly ask: (
    request: TokenRequest,
    options: {
      readonly action: string;
      /** Whose challenge named the token service. */
      readonly registry: string;
      readonly signal: AbortSignal;
      readonly accept: readonly number[];
    },
  ) => Promise<{ readonly status: number; readonly text: string }>;
}

export interface Wish {
  readonly url: URL;
  readonly scopes: readonly string[];
  readonly action: string;
  /** `host:port` of the registry that is asked; `url` may be where it redirects to. */
  readonly registry: string;
  readonly signal: AbortSignal;
}

/** What is sent as Authorization. */
export interface Grant {
  readonly header: string;
  /** By performance.now(); infinite for a password. */
  readonly validUntil: number;
  readonly token: Token | undefined;
}

type Known =
  | { readonly scheme: 'basic' }
  | { readonly scheme: 'bearer'; readonly realm: URL; readonly service: string | undefined };

interface HostState {
  credential: Promise<Credential | undefined> | undefined;
  known: Known | undefined;
  readonly tokens: Map<string, Token>;
  readonly flights: SingleFlight<string, Token>;
  /** What challenges asked for beyond the caller's scopes, by wish. */
  readonly wider: Map<string, readonly string[]>;
}

/** Answers of a token service that does not know POST (as containerd reads them): asked again by GET. */
const postUnknown = [401, 404, 405];

export class Auth {
  readonly #settings: AuthSettings;
  readonly #hosts = new Map<string, HostState>();

  constructor(settings: AuthSettings) {
    this.#settings = settings;
  }

  /**
   * What to send, by what is known of the host: undefined before its first challenge, so that nothing is given out unasked.
   * Fetches a token where none is held for these scopes. Throws what the token service's answer means, and ERR_UNAUTHORIZED
   * where the credential would have to go over plain HTTP.
   */
  async grantFor(wish: Wish): Promise<Grant | undefined> {
    const state = this.#stateOf(wish.url);
    const { known } = state;
    if (known === undefined) return undefined;
    const credential = await this.#credentialOf(state, wish.url);
    if (known.scheme === 'basic') {
      if (credential === undefined || !('username' in credential)) return undefined;
      this.#guard(wish.url, wish);
      return { header: basicHeader(credential), validUntil: Number.POSITIVE_INFINITY, token: undefined };
    }
    const scopes = state.wider.get(keyOf(wish)) ?? wish.scopes;
    if (scopes.length === 0 && !state.wider.has(keyOf(wish))) return undefined;
    if (credential !== undefined) this.#guard(wish.url, wish);
    const token = await this.#tokenFor(state, { wish, scopes, known, credential });
    return { header: `Bearer ${token.text}`, validUntil: token.validUntil, token };
  }

  /** The host answered 401. True when the request is worth sending again with what grantFor() gives now. */
  async refused(
    wish: Wish,
    refusal: { readonly header: string | undefined; readonly grant: Grant | undefined },
  ): Promise<boolean> {
    const state = this.#stateOf(wish.url);
    const { grant } = refusal;
    if (grant?.token !== undefined) forget(state.tokens, grant.token);
    const challenge = preferredChallenge(parseChallenges(refusal.header ?? ''));
    if (challenge === undefined) return grant?.token !== undefined;
    if (challenge.scheme === 'basic') {
      state.known = { scheme: 'basic' };
      const credential = await this.#credentialOf(state, wish.url);
      return grant === undefined && credential !== undefined && 'username' in credential;
    }
    state.known = { scheme: 'bearer', realm: readRealm(challenge, wish), service: challenge.parameters.get('service') };
    const asked = challenge.parameters.get('scope');
    const held = state.wider.get(keyOf(wish)) ?? wish.scopes;
    const useless = grant?.token !== undefined && challenge.parameters.get('error') === 'insufficient_scope';
    if (useless && (asked ?? '').split(/\s+/).every((scope) => scope === '' || coversScope(held, scope))) return false;
    state.wider.set(keyOf(wish), mergeScopes(held, asked));
    return true;
  }

  /** What the reader can do about a 401 or 403 of this host. */
  async hintFor(url: URL, end: 'source' | 'target'): Promise<string> {
    const credential = await this.#credentialOf(this.#stateOf(url), url);
    if (credential !== undefined) return `check the credential for ${url.host} and what it may do`;
    const flag = end === 'source' ? '--from-user' : '--to-user';
    return `run "docker login ${url.host}" or give ${flag}; a name that does not exist may look the same`;
  }

  #stateOf(url: URL): HostState {
    const known = this.#hosts.get(url.origin);
    if (known !== undefined) return known;
    const state: HostState = {
      credential: undefined,
      known: undefined,
      tokens: new Map(),
      flights: new SingleFlight(),
      wider: new Map(),
    };
    this.#hosts.set(url.origin, state);
    return state;
  }

  #credentialOf(state: HostState, url: URL): Promise<Credential | undefined> {
    state.credential ??= this.#settings.credentials(url.host);
    return state.credential;
  }

  #tokenFor(
    state: HostState,
    need: {
      readonly wish: Wish;
      readonly scopes: readonly string[];
      readonly known: Known & { scheme: 'bearer' };
      readonly credential: Credential | undefined;
    },
  ): Promise<Token> {
    const key = need.scopes.join(' ');
    const held = state.tokens.get(key);
    if (held !== undefined && held.validUntil > performance.now()) return Promise.resolve(held);
    const work = async (signal: AbortSignal) => {
      const token = await this.#fetchToken(need, signal).catch((error) => this.#explained(error, need.wish));
      state.tokens.set(key, token);
      return token;
    };
    return state.flights.run(key, { work, signal: need.wish.signal });
  }

  async #fetchToken(
    need: {
      readonly wish: Wish;
      readonly scopes: readonly string[];
      readonly known: Known & { scheme: 'bearer' };
      readonly credential: Credential | undefined;
    },
    signal: AbortSignal,
  ): Promise<Token> {
    const { wish, scopes, known, credential } = need;
    const { realm, service } = known;
    await this.#settings.beforeLeaving?.({ from: wish.url.host, to: realm, why: 'token', action: wish.action });
    if (credential !== undefined) this.#guard(realm, wish);
    const tokenWish = { realm, service, scopes };
    const facts = { askedAt: performance.now(), action: wish.action, host: realm.host };
    const about = { action: wish.action, registry: wish.registry, signal };
    if (credential !== undefined && 'identityToken' in credential) {
      const post = tokenByPost(tokenWish, credential.identityToken);
      const posted = await this.#settings.ask(post, { ...about, accept: postUnknown });
      if (!postUnknown.includes(posted.status)) return parseToken(posted.text, facts);
    }
    const get = tokenByGet(tokenWish, credential);
    const { text } = await this.#settings.ask(get, { ...about, accept: [] });
    return parseToken(text, facts);
  }

  /** Where the token service refuses, the registry's credential is what to look at. */
  async #explained(error: unknown, wish: Wish): Promise<never> {
    if (!isAirgapError(error) || (error.code !== 'ERR_UNAUTHORIZED' && error.code !== 'ERR_DENIED')) throw error;
    throw error.with({ hint: await this.hintFor(wish.url, error.end ?? 'source') });
  }

  #guard(url: URL, wish: Wish): void {
    if (url.protocol === 'https:' || isLoopback(url.hostname) || this.#settings.credentialsOverPlainHttp) return;
    throw new AirgapError(
      'ERR_UNAUTHORIZED',
      `Cannot ${wish.action}: the credential for ${wish.url.host} is not sent to ${url.host} over plain HTTP`,
      {
        host: url.host,
        hint: 'serve it over https, or allow plain HTTP for credentials (--plain-http)',
      },
    );
  }
}

function keyOf(wish: Wish): string {
  return wish.scopes.length > 0 ? [...wish.scopes].sort().join(' ') : wish.url.pathname;
}

function forget(tokens: Map<string, Token>, refused: Token): void {
  for (const [key, token] of tokens) if (token === refused) tokens.delete(key);
}

/** The realm must be a place a token may be asked of. Throws ERR_PROTOCOL. */
function readRealm(challenge: Challenge, wish: Wish): URL {
  let realm: URL | undefined;
  try {
    realm = new URL(challenge.parameters.get('realm') ?? '');
  } catch {
    realm = undefined;
  }
  const usable =
    realm !== undefined && (realm.protocol === 'https:' || realm.protocol === 'http:') && isNameable(realm);
  if (realm === undefined || !usable || (isLinkLocal(realm.hostname) && realm.hostname !== wish.url.hostname)) {
    throw new AirgapError(
      'ERR_PROTOCOL',
      `Cannot ${wish.action}: ${wish.url.host} names a token service that cannot be used`,
      {
        host: wish.url.host,
      },
    );
  }
  realm.username = '';
  realm.password = '';
  realm.hash = '';
  return realm;
}
