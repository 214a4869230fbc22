/** What docker-registry's access log (Apache's combined format, on standard output) says was asked of it. */

export interface AccessLogEntry {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** Bytes of the answer's body. */
  readonly bytes: number;
}

const line = /"([A-Z]+) (\S+) HTTP\/[\d.]+" (\d{3}) (\d+|-)/;

export function parseAccessLog(text: string): AccessLogEntry[] {
  return text.split('\n').flatMap((entry) => {
    const match = line.exec(entry);
    if (match === null) return [];
    return [
      {
        method: match[1] ?? '',
        path: decodeURIComponent(match[2] ?? ''),
        status: Number(match[3]),
        bytes: match[4] === '-' ? 0 : Number(match[4]),
      },
    ];
  });
}

export interface BlobReads {
  /** Successful GETs. */
  readonly requests: number;
  /** Body bytes over all of them. */
  readonly bytes: number;
}

/** Successful GETs of blobs by digest, over all repositories. */
export function blobReads(entries: readonly AccessLogEntry[]): Map<string, BlobReads> {
  const reads = new Map<string, BlobReads>();
  for (const { method, path, status, bytes } of entries) {
    const digest = /\/blobs\/([a-z0-9]+:[0-9a-f]+)/.exec(path)?.[1];
    if (method !== 'GET' || digest === undefined || (status !== 200 && status !== 206)) continue;
    const before = reads.get(digest) ?? { requests: 0, bytes: 0 };
    reads.set(digest, { requests: before.requests + 1, bytes: before.bytes + bytes });
  }
  return reads;
}

/** Requests that could change something. */
export function writes(entries: readonly AccessLogEntry[]): AccessLogEntry[] {
  return entries.filter(({ method }) => !['GET', 'HEAD', 'OPTIONS'].includes(method));
}
