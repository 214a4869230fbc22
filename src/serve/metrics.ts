/** What a server counts, and how it prints that for Prometheus (text format 0.0.4). Every label has a fixed list of values. */
import type { Exchange, RequestKind } from './exchange.ts';

/** Sums since the server started. */
export interface ServeStatistics {
  /** Answers that ended, cut ones included. */
  readonly requests: number;
  /** Of them: status 400 and above. */
  readonly refusals: number;
  /** Bytes of answers' bodies. */
  readonly bytesSent: number;
  /** Bytes of requests' bodies. */
  readonly bytesReceived: number;
  /** Requests under way. */
  readonly inFlight: number;
  /** Connections open. */
  readonly connections: number;
  readonly blobsChecked: number;
  /** Blobs and manifests that were found to be other than their digest says. */
  readonly blobsCorrupt: number;
}

/** What is counted elsewhere and asked for when it is printed. */
export interface Gauges {
  readonly connections: () => number;
  readonly connectionsRefused: () => number;
  readonly uploadsOpen: () => number;
  readonly blobsChecked: () => number;
  readonly blobsCorrupt: () => number;
}

export const metricsContentType = 'text/plain; version=0.0.4; charset=utf-8';

/** Upper bounds in seconds: from a manifest on loopback to a layer of gigabytes over a slow line. */
const bounds = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60, 300, 1800] as const;
const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'POST', 'PATCH', 'DELETE']);

interface Kind {
  sent: number;
  received: number;
  count: number;
  seconds: number;
  /** One for each bound, not summed up, and one for what is beyond the last. */
  readonly buckets: number[];
}

export class Metrics {
  #requests = 0;
  #refusals = 0;
  #inFlight = 0;
  readonly #byLabels = new Map<string, number>();
  readonly #kinds = new Map<RequestKind, Kind>();
  readonly #gauges: Gauges;
  readonly #version: string;
  readonly #startedAt = Date.now() / 1000 - process.uptime();

  constructor(gauges: Gauges, version: string) {
    this.#gauges = gauges;
    this.#version = version;
  }

  begun(): void {
    this.#inFlight += 1;
  }

  /** `status` is 0 when the client was gone before an answer. */
  ended(exchange: Exchange, { status, ms }: { readonly status: number; readonly ms: number }): void {
    this.#inFlight -= 1;
    this.#requests += 1;
    if (status >= 400) this.#refusals += 1;
    const method = methods.has(exchange.method) ? exchange.method : 'other';
    const outcome = status === 0 ? 'none' : `${Math.floor(status / 100)}xx`;
    const labels = `method="${method}",kind="${exchange.kind}",status="${outcome}"`;
    this.#byLabels.set(labels, (this.#byLabels.get(labels) ?? 0) + 1);
    const kind = this.#kind(exchange.kind);
    kind.sent += exchange.sent;
    kind.received += exchange.received;
    kind.count += 1;
    kind.seconds += ms / 1000;
    const bucket = bounds.findIndex((bound) => ms / 1000 <= bound);
    const index = bucket < 0 ? bounds.length : bucket;
    kind.buckets[index] = (kind.buckets[index] ?? 0) + 1;
  }

  statistics(): ServeStatistics {
    const kinds = [...this.#kinds.values()];
    return {
      requests: this.#requests,
      refusals: this.#refusals,
      bytesSent: kinds.reduce((sum, { sent }) => sum + sent, 0),
      bytesReceived: kinds.reduce((sum, { received }) => sum + received, 0),
      inFlight: this.#inFlight,
      connections: this.#gauges.connections(),
      blobsChecked: this.#gauges.blobsChecked(),
      blobsCorrupt: this.#gauges.blobsCorrupt(),
    };
  }

  /** The whole page. */
  text(): string {
    const gauges = this.#gauges;
    const kinds = [...this.#kinds].sort(([one], [other]) => (one < other ? -1 : 1));
    const perKind = (pick: (kind: Kind) => number) => kinds.map(([name, kind]) => sample(`kind="${name}"`, pick(kind)));
    const { user, system } = process.cpuUsage();
    const build = `version="${escaped(this.#version)}",node="${escaped(process.version)}"`;
    const requests = [...this.#byLabels].sort(([one], [other]) => (one < other ? -1 : 1));
    return [
      family('airgap_http_requests_total', {
        type: 'counter',
        help: 'Answers that ended.',
        samples: requests.map(([labels, value]) => sample(labels, value)),
      }),
      family('airgap_http_response_bytes_total', {
        type: 'counter',
        help: 'Bytes of answers, without heads.',
        samples: perKind(({ sent }) => sent),
      }),
      family('airgap_http_request_bytes_total', {
        type: 'counter',
        help: 'Bytes of bodies received.',
        samples: perKind(({ received }) => received),
      }),
      family('airgap_http_request_duration_seconds', {
        type: 'histogram',
        help: 'From the head of a request to the end of its answer.',
        samples: kinds.flatMap(histogram),
      }),
      family('airgap_http_requests_in_flight', {
        type: 'gauge',
        help: 'Requests under way.',
        samples: [sample('', this.#inFlight)],
      }),
      family('airgap_connections', {
        type: 'gauge',
        help: 'Connections open.',
        samples: [sample('', gauges.connections())],
      }),
      family('airgap_connections_refused_total', {
        type: 'counter',
        help: 'Connections refused because there were too many.',
        samples: [sample('', gauges.connectionsRefused())],
      }),
      family('airgap_blobs_checked_total', {
        type: 'counter',
        help: 'Blobs hashed before they were served.',
        samples: [sample('', gauges.blobsChecked())],
      }),
      family('airgap_blobs_corrupt_total', {
        type: 'counter',
        help: 'Content found to be other than its digest says.',
        samples: [sample('', gauges.blobsCorrupt())],
      }),
      family('airgap_uploads_open', {
        type: 'gauge',
        help: 'Uploads begun and not ended.',
        samples: [sample('', gauges.uploadsOpen())],
      }),
      family('airgap_build_info', { type: 'gauge', help: 'Always 1.', samples: [sample(build, 1)] }),
      family('process_resident_memory_bytes', {
        type: 'gauge',
        help: 'Resident memory.',
        samples: [sample('', process.memoryUsage.rss())],
      }),
      family('process_cpu_seconds_total', {
        type: 'counter',
        help: 'Processor time, user and system.',
        samples: [sample('', (user + system) / 1e6)],
      }),
      family('process_start_time_seconds', {
        type: 'gauge',
        help: 'When the process started, in Unix time.',
        samples: [sample('', this.#startedAt)],
      }),
    ].join('');
  }

  #kind(name: RequestKind): Kind {
    const known = this.#kinds.get(name);
    if (known !== undefined) return known;
    const kind: Kind = { sent: 0, received: 0, count: 0, seconds: 0, buckets: bounds.map(() => 0).concat(0) };
    this.#kinds.set(name, kind);
    return kind;
  }
}

interface Sample {
  readonly suffix: string;
  readonly labels: string;
  readonly value: number;
}

function sample(labels: string, value: number): Sample {
  return { suffix: '', labels, value };
}

function histogram([name, kind]: readonly [RequestKind, Kind]): Sample[] {
  let sum = 0;
  const buckets = kind.buckets.map((count, index) => {
    sum += count;
    return { suffix: '_bucket', labels: `kind="${name}",le="${bounds[index] ?? '+Inf'}"`, value: sum };
  });
  const labels = `kind="${name}"`;
  return [...buckets, { suffix: '_sum', labels, value: kind.seconds }, { suffix: '_count', labels, value: kind.count }];
}

interface Family {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly samples: readonly Sample[];
}

function family(name: string, { type, help, samples }: Family): string {
  const lines = samples.map(
    ({ suffix, labels, value }) => `${name}${suffix}${labels === '' ? '' : `{${labels}}`} ${value}\n`,
  );
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
