/** Upload sessions: bytes that came so far, in a file each until their digest is known (distribution-spec v1.1, "Pushing a blob in chunks"). */
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { UnverifiedContent } from '../store/store.ts';

/** A session nobody touched for this long is dropped when another one opens. */
const expiresAfterMs = 3_600_000;

export class UploadSession {
  readonly id = randomUUID();
  /** The name in the path it was opened for. */
  readonly name: string;
  touchedAt = Date.now();
  #size = 0;
  readonly #path: string;
  #file: FileHandle | undefined;
  #writing: Promise<void> = Promise.resolve();
  #stop: (() => void) | undefined;

  constructor(name: string, directory: string) {
    this.name = name;
    this.#path = join(directory, this.id);
  }

  /** Bytes kept so far. */
  get size(): number {
    return this.#size;
  }

  /** Ends a request that is still writing: a client that asks again has given up on its earlier connection. */
  async settle(): Promise<void> {
    this.#stop?.();
    await this.#writing.catch(() => {});
  }

  /** Adds what comes; what came before a failure is kept. `stop` ends the content. */
  append(content: UnverifiedContent, stop: () => void): Promise<void> {
    this.#stop = stop;
    this.#writing = this.#write(content).finally(() => {
      this.#stop = undefined;
      this.touchedAt = Date.now();
    });
    return this.#writing;
  }

  async #write(content: UnverifiedContent): Promise<void> {
    this.#file ??= await open(this.#path, 'w');
    for await (const chunk of content) {
      await this.#file.write(chunk, 0, chunk.length, this.#size);
      this.#size += chunk.length;
    }
  }

  /** What was kept, from `offset` on. */
  async *read(offset: number): AsyncGenerator<Uint8Array> {
    if (offset >= this.#size) return;
    yield* createReadStream(this.#path, { start: offset, end: this.#size - 1, highWaterMark: 256 * 1024 });
  }

  async drop(): Promise<void> {
    await this.settle();
    await this.#file?.close().catch(() => {});
    this.#file = undefined;
    await rm(this.#path, { force: true });
  }
}

export class UploadSessions {
  readonly #sessions = new Map<string, UploadSession>();
  #directory: Promise<string> | undefined;

  async open(name: string): Promise<UploadSession> {
    this.#directory ??= mkdtemp(join(tmpdir(), 'airgap-serve-'));
    const session = new UploadSession(name, await this.#directory);
    this.#sessions.set(session.id, session);
    const oldest = Date.now() - expiresAfterMs;
    for (const other of this.#sessions.values()) if (other.touchedAt < oldest) await this.drop(other);
    return session;
  }

  find(id: string, name: string): UploadSession | undefined {
    const session = this.#sessions.get(id);
    return session?.name === name ? session : undefined;
  }

  async drop(session: UploadSession): Promise<void> {
    this.#sessions.delete(session.id);
    await session.drop();
  }

  async close(): Promise<void> {
    for (const session of [...this.#sessions.values()]) await this.drop(session);
    const directory = await this.#directory?.catch(() => undefined);
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  }
}
