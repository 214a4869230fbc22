/** What the page is told about the server it is a page of. */

export interface PageFacts {
  /** What is served, as its heading: `airgap-mirror`, `bundle:talos-1.14.tar`. */
  readonly place: string;
  /** The URL nodes use: `http://10.5.0.1:6000`, nothing after it. */
  readonly endpoint: string;
  /** What makes Talos nodes ask here. */
  readonly talosPatch?: TalosPatch | undefined;
  /** Takes pushes too. */
  readonly writable: boolean;
  /** `given`: a certificate that is trusted already, or is the reader's own business. */
  readonly tls: 'none' | 'given' | 'self-signed';
  /** PEM of the authority to trust; with `self-signed`. */
  readonly caPem?: string | undefined;
  /** Of the program: `1.2.0`. */
  readonly version: string;
}

export interface TalosPatch {
  /** The release it is written for: `v1.14.4`. */
  readonly version: string;
  /** YAML. */
  readonly text: string;
}
