/** What a command gets from the process it runs in: given in by `main.ts`, and by tests. */
import type { Readable } from 'node:stream';
import type { ScreenStream } from './report/screen.ts';

export interface OutputStream extends ScreenStream {
  readonly isTTY?: boolean | undefined;
}

export interface Context {
  readonly stdin: Readable & { readonly isTTY?: boolean | undefined };
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Folder that relative file names start from. */
  readonly cwd: string;
  /** Aborted with an AirgapError when the user or the clock ends the run. */
  readonly signal: AbortSignal;
  /** Aborted when nobody reads standard output any more. Default: never. */
  readonly unread?: AbortSignal | undefined;
}
