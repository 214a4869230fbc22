/** A registry as a store: source or target over the distribution API. */
import { AirgapError, type End } from '../../errors.ts';
import type { HttpClient } from '../../http/client.ts';
import type { RepositoryName } from '../../oci/reference.ts';
import type { CallOptions, Target, WritableRepository } from '../store.ts';
import { type Endpoint, endpointOf } from './endpoint.ts';
import { Exchange, type RegistryHost } from './exchange.ts';
import { ByteBudget, HostFeatures, SendingRate } from './features.ts';
import { listRepositories } from './lists.ts';
import { acceptsSparseIndex } from './manifest-push.ts';
import { RegistryRepository } from './repository.ts';
import type { UploadSession } from './session.ts';
import type { UploadSettings } from './upload.ts';

export interface RegistryOptions {
  readonly client: HttpClient;
  readonly end: End;
  /**
   * Where a registry's API is reached: scheme, host, and a path that is put before every repository. Asked once per registry;
   * a failure is not remembered. See sourceEndpoints().
   */
  readonly baseUrlFor: (registry: string) => URL | Promise<URL>;
  /** Whether that is another address than the registry's own, so that reads name the registry in `ns`. Default: no. */
  readonly isElsewhere?: ((registry: string) => boolean) | undefined;
  /** The registry whose repositories catalog() lists. Without it catalog() throws ERR_UNSUPPORTED. */
  readonly catalogOf?: string | undefined;
  /** Ask tokens for reading only. Default: true for a source, false for a target. */
  readonly readOnly?: boolean | undefined;
  /** Bytes of the parts a large blob is sent in. Default: 1 to 6 MiB, by the blob's size. */
  readonly chunkBytes?: number | undefined;
  /** Blobs up to this many bytes are sent in one request. Default 32 MiB. */
  readonly monolithicLimitBytes?: number | undefined;
  /** Memory for parts that are collected before they are sent, over all uploads. Default 12 MiB; uploads beyond it stream. */
  readonly partMemoryBytes?: number | undefined;
}

const mebibyte = 1024 * 1024;

/** Nothing is contacted before the first question. close() also closes the client. */
export function openRegistry(options: RegistryOptions): Target {
  return new RegistryStore(options);
}

class RegistryStore implements Target {
  readonly #options: RegistryOptions;
  readonly #hosts = new Map<string, RegistryHost>();
  readonly #uploads: UploadSettings;

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.#uploads = {
      chunkBytes: options.chunkBytes,
      monolithicLimitBytes: options.monolithicLimitBytes ?? 32 * mebibyte,
      rate: new SendingRate(),
      budget: new ByteBudget(options.partMemoryBytes ?? 12 * mebibyte),
      opened: new Map<string, UploadSession>(),
    };
  }

  repository(name: RepositoryName): WritableRepository {
    return new RegistryRepository(this.#exchange(name), this.#uploads);
  }

  catalog(options: CallOptions = {}): AsyncIterable<RepositoryName> {
    const { catalogOf, end } = this.#options;
    if (catalogOf !== undefined)
      return listRepositories(this.#exchange({ registry: catalogOf, repository: '' }), options);
    throw new AirgapError('ERR_UNSUPPORTED', 'Cannot list repositories: it is not said of which registry', { end });
  }

  acceptsSparseIndex(
    name: RepositoryName,
    options: CallOptions & { readonly mayWrite?: boolean | undefined } = {},
  ): Promise<boolean | undefined> {
    return acceptsSparseIndex(this.#exchange(name), options);
  }

  async close(): Promise<void> {
    const left = [...this.#uploads.opened.values()];
    this.#uploads.opened.clear();
    await Promise.all(left.map((session) => session.cancel()));
    await this.#options.client.close();
  }

  #exchange(name: RepositoryName): Exchange {
    const { client, end, readOnly = end === 'source' } = this.#options;
    return new Exchange({
      client,
      end,
      name,
      host: this.#host(name.registry),
      actions: readOnly ? 'pull' : 'pull,push',
    });
  }

  #host(registry: string): RegistryHost {
    const known = this.#hosts.get(registry);
    if (known !== undefined) return known;
    let endpoint: Promise<Endpoint> | undefined;
    const host: RegistryHost = {
      features: new HostFeatures(),
      endpoint: () => {
        endpoint ??= this.#find(registry);
        endpoint.catch(() => {
          endpoint = undefined;
        });
        return endpoint;
      },
    };
    this.#hosts.set(registry, host);
    return host;
  }

  async #find(registry: string): Promise<Endpoint> {
    const { baseUrlFor, isElsewhere } = this.#options;
    const endpoint = endpointOf(await baseUrlFor(registry));
    return isElsewhere?.(registry) === true ? { ...endpoint, upstream: registry } : endpoint;
  }
}
