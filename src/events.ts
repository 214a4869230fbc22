/** What the corridor reports while it works. The library prints nothing; `cli/report` turns these into text or JSON lines. */

export type AirgapEvent =
  | { readonly type: 'phase'; readonly phase: 'resolve' | 'survey' | 'copy' | 'verify' | 'check' | 'emit' }
  /** Counted facts about a phase: images resolved so far and in all. */
  | { readonly type: 'resolve:progress'; readonly done: number; readonly total: number }
  | { readonly type: 'resolve:failed'; readonly image: string; readonly code: string; readonly message: string }
  /** What the copier is about to do, or a check about to read, in blobs and bytes. */
  | { readonly type: 'copy:start'; readonly images: number; readonly blobs: number; readonly bytes: number }
  /** Bytes of a blob that arrived from upstream since the last such event of this blob. Negative when a transfer starts again and earlier bytes do not count any more. */
  | { readonly type: 'blob:bytes'; readonly digest: string; readonly bytes: number }
  | {
      readonly type: 'blob:start';
      readonly digest: string;
      readonly size: number;
      readonly image: string;
      readonly host: string;
    }
  | {
      readonly type: 'blob:done';
      readonly digest: string;
      readonly size: number;
      readonly outcome: 'copied' | 'mounted' | 'present';
      readonly repository: string;
    }
  /** A transfer ended without success; its error comes with the images that needed it. */
  | { readonly type: 'blob:failed'; readonly digest: string; readonly code: string }
  | {
      readonly type: 'blob:retry';
      readonly digest: string;
      readonly image: string;
      readonly attempt: number;
      readonly delayMs: number;
      readonly message: string;
    }
  | { readonly type: 'blob:resume'; readonly digest: string; readonly offset: number; readonly size: number }
  | {
      readonly type: 'image:done';
      readonly image: string;
      readonly target: string;
      readonly digest: string;
      readonly bytes: number;
    }
  | { readonly type: 'image:present'; readonly image: string; readonly target: string; readonly digest: string }
  | {
      readonly type: 'image:failed';
      readonly image: string;
      readonly code: string;
      readonly message: string;
      readonly hint?: string;
    }
  | { readonly type: 'verify:progress'; readonly done: number; readonly total: number }
  /** A host asked for a pause; all work on it waits. `reason` is the status or the quota. */
  | { readonly type: 'wait'; readonly host: string; readonly seconds: number; readonly reason: string }
  | {
      readonly type: 'http:retry';
      readonly host: string;
      readonly method: string;
      readonly attempt: number;
      readonly delayMs: number;
      readonly message: string;
    }
  /** A registry's `Warning:` header, once per text and host. */
  | { readonly type: 'warning'; readonly host: string; readonly message: string }
  /** `isWarning`: what was asked for is done, and will not be of use as it is. */
  | { readonly type: 'notice'; readonly message: string; readonly isWarning?: boolean };

export type EventSink = (event: AirgapEvent) => void;

/** For callers who do not listen. */
export const noEvents: EventSink = () => {};
