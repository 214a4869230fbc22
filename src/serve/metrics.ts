/** What a server counts, and how it prints that for Prometheus. */

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
  readonly blobsCorrupt: number;
}
