/** Whom a run contacted, whatever became of its ends: every client that is opened is asked at the end. */
import type { HttpClient } from '../http/client.ts';
import { isHostAndPort, joinRoutes, sumContacts, timeText } from '../lock/contacts.ts';
import type { Contact } from '../lock/lock.ts';
import { usageError } from './values.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export class ContactLog {
  readonly #clients: Pick<HttpClient, 'contacts'>[] = [];
  readonly #env: Environment;

  /** Of the environment: see timeOfEnvironment(). */
  constructor(env: Environment) {
    this.#env = env;
  }

  /** Gives the client back. A client may be closed before it is asked. */
  watch<Client extends Pick<HttpClient, 'contacts'>>(client: Client): Client {
    this.#clients.push(client);
    return client;
  }

  /** Summed over the clients. A host that no lock could hold is left out: a redirect may name anything. Throws what timeOfEnvironment() throws. */
  contacts(): readonly Contact[] {
    const time = timeOfEnvironment(this.#env);
    const found = this.#clients.flatMap((client) => client.contacts());
    const usable = found.filter(({ host }) => isHostAndPort(host));
    return sumContacts(
      usable.map(({ host, purpose, registries, through, firstAt, lastAt, ...counts }) => ({
        host,
        purpose,
        observed: {
          registries: registries.filter(isHostAndPort),
          through: joinRoutes(through),
          ...counts,
          first: time ?? timeText(firstAt),
          last: time ?? timeText(Math.max(firstAt, lastAt)),
        },
      })),
    );
  }
}

/**
 * SOURCE_DATE_EPOCH, the one time that outputs of a reproducible build may show (reproducible-builds.org/specs/source-date-epoch);
 * undefined where it is not set. Throws ERR_USAGE for what is no count of seconds since 1970.
 */
export function timeOfEnvironment(env: Environment): string | undefined {
  const text = env.SOURCE_DATE_EPOCH;
  if (text === undefined || text === '') return undefined;
  const time = /^\d{1,12}$/.test(text) ? timeText(Number(text) * 1000) : '';
  if (time !== '') return time;
  throw usageError(
    `Cannot use SOURCE_DATE_EPOCH ${JSON.stringify(text)}: not a number of seconds since 1970`,
    'unset it, or set it to a number like 1764151684',
  );
}
