/** Upload sessions: who may add bytes to what, one request at a time (distribution-spec v1.1, "Pushing a blob in chunks"). */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DigestAlgorithm } from '../oci/digest.ts';
import type { IncomingUpload, WritableRepository } from '../store/store.ts';
import { Refusal, refusals } from './refusal.ts';
import { SpooledUpload } from './spooled-upload.ts';

/** A session nobody touched for this long is dropped, in milliseconds: an hour. */
const defaultExpiryMs = 3_600_000;
/** Sessions at once: each may hold an open file. */
const mostSessions = 1000;

export class UploadSession {
  readonly id = randomUUID();
  /** The name in the path it was opened for. */
  readonly name: string;
  readonly #upload: IncomingUpload;
  #touchedAt = Date.now();
  #busy = 0;
  #ended = false;
  #last: Promise<void> = Promise.resolve();
  #stop: (() => void) | undefined;

  constructor(name: string, upload: IncomingUpload) {
    this.name = name;
    this.#upload = upload;
  }

  /** Bytes kept so far. */
  get size(): number {
    return this.#upload.size;
  }

  /** When its last request ended; undefined while one is under way. */
  get idleSince(): number | undefined {
    return this.#busy > 0 ? undefined : this.#touchedAt;
  }

  /**
   * Runs one request's work on the upload when the one before it has ended. That one is told to stop: a client that asks again
   * has given up on its earlier connection. `stop` ends the content of this one. Throws a refusal when the session has ended meanwhile.
   */
  run<T>(work: (upload: IncomingUpload) => Promise<T>, stop: () => void): Promise<T> {
    this.#stop?.();
    const done = this.#after(this.#last, { work, stop });
    this.#last = done.then(
      () => {},
      () => {},
    );
    return done;
  }

  /** To be called by work that ends the upload: whoever waits for its turn finds no upload any more. */
  retire(): void {
    this.#ended = true;
  }

  /** Nothing more comes; what was kept is given up, unless it has become a blob. */
  async end(): Promise<void> {
    this.#stop?.();
    await this.#last;
    this.#ended = true;
    await this.#upload.drop();
  }

  async #after<T>(
    before: Promise<void>,
    asked: { readonly work: (upload: IncomingUpload) => Promise<T>; readonly stop: () => void },
  ): Promise<T> {
    this.#busy += 1;
    try {
      await before;
      if (this.#ended) throw new Refusal(refusals.uploadUnknown, 'there is no such upload any more');
      this.#stop = asked.stop;
      return await asked.work(this.#upload);
    } finally {
      this.#stop = undefined;
      this.#busy -= 1;
      this.#touchedAt = Date.now();
    }
  }
}

export class UploadSessions {
  readonly #sessions = new Map<string, UploadSession>();
  readonly #expiryMs: number;
  #directory: Promise<string> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(expiryMs: number = defaultExpiryMs) {
    this.#expiryMs = expiryMs;
  }

  /** Uploads begun and not ended. */
  get count(): number {
    return this.#sessions.size;
  }

  /** `algorithm`: the digest the client announced. Where there are too many, the one that was idle for longest is given up; throws a refusal with status 503 when none is idle. */
  async open(
    name: string,
    options: { readonly repository: WritableRepository; readonly algorithm: DigestAlgorithm },
  ): Promise<UploadSession> {
    const session = new UploadSession(name, await this.place(options));
    this.#sessions.set(session.id, session);
    if (this.#sessions.size > mostSessions) await this.#makeRoomFor(session);
    this.#timer ??= setInterval(() => void this.#expire(), Math.min(this.#expiryMs, 60_000)).unref();
    return session;
  }

  /** A place for bytes without a session around it: for whoever sends everything at once. */
  async place(options: {
    readonly repository: WritableRepository;
    readonly algorithm: DigestAlgorithm;
  }): Promise<IncomingUpload> {
    const { repository, algorithm } = options;
    if (repository.receive !== undefined) return repository.receive({ algorithm });
    this.#directory ??= mkdtemp(join(tmpdir(), 'airgap-serve-'));
    return new SpooledUpload(repository, join(await this.#directory, randomUUID()));
  }

  find(id: string, name: string): UploadSession | undefined {
    const session = this.#sessions.get(id);
    return session?.name === name ? session : undefined;
  }

  async drop(session: UploadSession): Promise<void> {
    this.#sessions.delete(session.id);
    await session.end();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (const session of [...this.#sessions.values()]) await this.drop(session);
    const directory = await this.#directory?.catch(() => undefined);
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  }

  async #makeRoomFor(newest: UploadSession): Promise<void> {
    const since = (session: UploadSession): number =>
      (session === newest ? undefined : session.idleSince) ?? Number.POSITIVE_INFINITY;
    const all = [...this.#sessions.values()];
    const longest = all.reduce((one, other) => (since(other) < since(one) ? other : one), newest);
    await this.drop(longest);
    if (longest !== newest) return;
    throw new Refusal(refusals.busy, 'too many uploads are under way', { headers: { 'retry-after': '2' } });
  }

  async #expire(): Promise<void> {
    const oldest = Date.now() - this.#expiryMs;
    for (const session of [...this.#sessions.values()]) {
      if (session.idleSince !== undefined && session.idleSince < oldest) await this.drop(session).catch(() => {});
    }
  }
}
