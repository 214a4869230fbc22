/** Who was talked to and how much went over the wire. */
import type { HostStatistics } from './client.ts';
import { hostAndPort } from './hosts.ts';

export type Purpose = HostStatistics['purpose'];

const rank: Readonly<Record<Purpose, number>> = { registry: 0, token: 1, redirect: 2, proxy: 3 };

interface Counts {
  purpose: Purpose;
  requests: number;
  receivedBytes: number;
  sentBytes: number;
}

export class Statistics {
  readonly #hosts = new Map<string, Counts>();

  /** One more request to this host. A host with several purposes is named for the first of registry, token, redirect, proxy. */
  requested(url: URL, purpose: Purpose): void {
    const counts = this.#countsOf(url, purpose);
    counts.requests += 1;
    if (rank[purpose] < rank[counts.purpose]) counts.purpose = purpose;
  }

  /** Bytes of bodies, in both directions. */
  transferred(url: URL, bytes: { readonly received: number; readonly sent: number }): void {
    const counts = this.#countsOf(url, 'registry');
    counts.receivedBytes += bytes.received;
    counts.sentBytes += bytes.sent;
  }

  /** By `host:port`, in the order of first contact. */
  snapshot(): ReadonlyMap<string, HostStatistics> {
    return new Map([...this.#hosts].map(([host, counts]) => [host, { host, ...counts }]));
  }

  #countsOf(url: URL, purpose: Purpose): Counts {
    const host = hostAndPort(url);
    const known = this.#hosts.get(host);
    if (known !== undefined) return known;
    const counts: Counts = { purpose, requests: 0, receivedBytes: 0, sentBytes: 0 };
    this.#hosts.set(host, counts);
    return counts;
  }
}
