/** One repository's requests: from the words of the distribution API to one HTTP exchange, and its errors back into ours. */
import { AirgapError, type End, isAirgapError } from '../../errors.ts';
import type { HttpClient, HttpRequest, HttpResponse } from '../../http/client.ts';
import { type Digest, isDigest } from '../../oci/digest.ts';
import { formatRepository, type RepositoryName, type Tag } from '../../oci/reference.ts';
import { type Endpoint, repositoryPath, sameOrigin, withUpstream } from './endpoint.ts';
import type { HostFeatures } from './features.ts';
import { type Refusal, readRefusal } from './refusal.ts';

/** What is shared by all repositories of one registry. */
export interface RegistryHost {
  /** Where it is reached; found once. */
  endpoint(): Promise<Endpoint>;
  readonly features: HostFeatures;
}

export interface ExchangeOptions {
  readonly client: HttpClient;
  readonly end: End;
  readonly host: RegistryHost;
  readonly name: RepositoryName;
  /** Token actions asked for: `pull` or `pull,push`. */
  readonly actions: string;
}

/** A request in a repository. `path` gets the repository as it is on the wire; a URL is one the registry gave us. */
export interface Ask extends Omit<HttpRequest, 'url' | 'scopes' | 'action'> {
  readonly path: ((repository: string) => string) | URL;
  /** For messages: `fetch manifest`. */
  readonly action: string;
  /** What it is about, printed. */
  readonly reference: string;
  /** In place of the repository's own. */
  readonly scopes?: readonly string[];
}

export class Exchange {
  readonly name: RepositoryName;
  readonly features: HostFeatures;
  readonly end: End;
  readonly #options: ExchangeOptions;

  constructor(options: ExchangeOptions) {
    this.name = options.name;
    this.features = options.host.features;
    this.end = options.end;
    this.#options = options;
  }

  /** `registry/repository:tag` or `registry/repository@digest`. */
  printed(tagOrDigest: Tag | Digest): string {
    return `${formatRepository(this.name)}${isDigest(tagOrDigest) ? '@' : ':'}${tagOrDigest}`;
  }

  endpoint(): Promise<Endpoint> {
    return this.#options.host.endpoint();
  }

  /** The repository's path on the wire; `other` is another repository of the same registry. */
  async repository(other: string = this.name.repository): Promise<string> {
    return repositoryPath(await this.endpoint(), other);
  }

  /** `repository:NAME:actions`, the scope of a token (docker token authentication specification). */
  async scope(options: { readonly repository?: string; readonly actions?: string } = {}): Promise<string> {
    return `repository:${await this.repository(options.repository)}:${options.actions ?? this.#options.actions}`;
  }

  /** Throws what HttpClient.send() throws, with end, host and reference. */
  async send(ask: Ask): Promise<HttpResponse> {
    const { path, reference, scopes, action, ...request } = ask;
    const endpoint = await this.endpoint();
    const plain = path instanceof URL ? path : new URL(path(await this.repository()), endpoint.origin);
    const url = request.method === 'GET' || request.method === 'HEAD' ? withUpstream(plain, endpoint) : plain;
    try {
      return await this.#options.client.send({
        ...request,
        url,
        action: `${action} "${reference}"`,
        scopes: scopes ?? [await this.scope()],
      });
    } catch (thrown) {
      throw this.explained(thrown, { reference, host: url.host });
    }
  }

  /** Reads an answer that is no success. */
  refusal(response: HttpResponse, ask: Pick<Ask, 'action' | 'reference'>): Promise<Refusal> {
    const { action, reference } = ask;
    return readRefusal(response, { action, reference, end: this.end, host: response.url.host });
  }

  /** A thrown thing with what is known here; what is no AirgapError is a defect and stays as it is. */
  explained(thrown: unknown, details: { readonly reference: string; readonly host?: string }): unknown {
    return isAirgapError(thrown) ? thrown.with({ end: this.end, ...details }) : thrown;
  }

  /** An error about an answer that breaks the protocol. */
  broken(ask: Pick<Ask, 'action' | 'reference'>, state: string, details: BrokenDetails = {}): AirgapError {
    const { code = 'ERR_PROTOCOL', response, ...rest } = details;
    const known = response === undefined ? {} : { host: response.url.host, status: response.status };
    return new AirgapError(code, `Cannot ${ask.action} "${ask.reference}": ${state}`, {
      end: this.end,
      reference: ask.reference,
      ...known,
      ...rest,
    });
  }

  /** A place the registry sent us to. Throws ERR_PROTOCOL when it is on another scheme, host or port. */
  async follow(place: string, response: HttpResponse, ask: Pick<Ask, 'action' | 'reference'>): Promise<URL> {
    const endpoint = await this.endpoint();
    const url = sameOrigin(endpoint, place, response.url);
    if (url !== undefined) return url;
    const elsewhere = URL.canParse(place, response.url.href) ? new URL(place, response.url).origin : 'no URL';
    throw this.broken(ask, `registry sent us on to another place (${elsewhere})`, {
      response,
      hint: `only ${endpoint.origin.origin} is trusted: set the external address of the registry, and X-Forwarded-Proto at a proxy before it`,
    });
  }
}

export interface BrokenDetails {
  readonly code?: AirgapError['code'];
  readonly response?: HttpResponse;
  readonly retryable?: boolean;
  readonly hint?: string;
  readonly digest?: string;
  readonly cause?: unknown;
}
