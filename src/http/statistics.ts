/** Who was talked to, on whose behalf, when, and how much went over the wire. */
import type { HostContact, HostStatistics } from './client.ts';
import { hostAndPort } from './hosts.ts';

export type Purpose = HostContact['purpose'];

const rank: Readonly<Record<Purpose, number>> = { registry: 0, token: 1, redirect: 2, proxy: 3 };
const none = { requests: 0, receivedBytes: 0, sentBytes: 0 } as const;

/** A request that is about to be sent. */
export interface Sent {
  readonly url: URL;
  readonly purpose: Purpose;
  /** `host:port` of the registry it is sent for. */
  readonly registry: string;
  /** Where it goes through one. */
  readonly proxy: URL | undefined;
}

/** Bytes of bodies. */
export interface Transferred {
  readonly received: number;
  readonly sent: number;
}

interface Counts {
  readonly host: string;
  readonly purpose: Purpose;
  requests: number;
  receivedBytes: number;
  sentBytes: number;
  firstAt: number;
  lastAt: number;
  readonly registries: Set<string>;
  readonly through: Set<string>;
  /** Without a proxy. */
  direct: boolean;
}

export class Statistics {
  /** By host and purpose, in the order of first contact. */
  readonly #contacts = new Map<string, Counts>();

  /** One more request, whatever becomes of it. Call what it gives once the exchange is over. */
  requested({ url, purpose, registry, proxy }: Sent): (bytes: Transferred) => void {
    const now = Date.now();
    const counts = this.#countsOf(hostAndPort(url), { purpose, now });
    const touched = [counts];
    if (proxy !== undefined) {
      const through = this.#countsOf(hostAndPort(proxy), { purpose: 'proxy', now });
      counts.through.add(through.host);
      touched.push(through);
    } else counts.direct = true;
    for (const one of touched) {
      one.requests += 1;
      one.lastAt = now;
      one.registries.add(registry);
    }
    return (bytes) => {
      const over = Date.now();
      for (const one of touched) {
        one.receivedBytes += bytes.received;
        one.sentBytes += bytes.sent;
        one.lastAt = over;
      }
    };
  }

  /** In the order of first contact. */
  contacts(): readonly HostContact[] {
    return [...this.#contacts.values()].map(({ direct, registries, through, ...counts }) => ({
      ...counts,
      registries: [...registries],
      through: [...(direct && through.size > 0 ? ['direct'] : []), ...through],
    }));
  }

  /**
   * By `host:port`, in the order of first contact. A host with several purposes is named for the first of registry, token, redirect,
   * proxy. Bytes count where they came from, so none at a proxy.
   */
  snapshot(): ReadonlyMap<string, HostStatistics> {
    const hosts = new Map<string, HostStatistics>();
    for (const counts of this.#contacts.values()) {
      const { host } = counts;
      const known = hosts.get(host) ?? { ...none, host, purpose: counts.purpose };
      const isProxy = counts.purpose === 'proxy';
      hosts.set(host, {
        host,
        purpose: rank[counts.purpose] < rank[known.purpose] ? counts.purpose : known.purpose,
        requests: known.requests + counts.requests,
        receivedBytes: known.receivedBytes + (isProxy ? 0 : counts.receivedBytes),
        sentBytes: known.sentBytes + (isProxy ? 0 : counts.sentBytes),
      });
    }
    return hosts;
  }

  #countsOf(host: string, { purpose, now }: { readonly purpose: Purpose; readonly now: number }): Counts {
    const key = `${host} ${purpose}`;
    const known = this.#contacts.get(key);
    if (known !== undefined) return known;
    const times = { firstAt: now, lastAt: now };
    const counts: Counts = {
      host,
      purpose,
      ...none,
      ...times,
      registries: new Set(),
      through: new Set(),
      direct: false,
    };
    this.#contacts.set(key, counts);
    return counts;
  }
}
