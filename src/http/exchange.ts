/** One request on one connection: turns the connection's callbacks into a promise of the answer's head and a body. */
import type { Dispatcher } from 'undici';
import { onAbort } from '../async/on-abort.ts';
import { ResponseBody } from './body.ts';
import type { Answer, Exchange } from './connections.ts';
import { Upload } from './upload.ts';

/** A request that got no answer. */
export class ExchangeError extends Error {
  /** False when nothing of the request was sent: the failure happened while connecting. */
  readonly started: boolean;
  /** True when the connection had served before: the other side may have closed it while it was idle. */
  readonly reused: boolean;

  constructor(cause: unknown, facts: { readonly started: boolean; readonly reused: boolean }) {
    super('no answer', { cause });
    this.name = 'ExchangeError';
    this.started = facts.started;
    this.reused = facts.reused;
  }
}

export interface ExchangeHooks {
  readonly reused: () => boolean;
  /** Called once: the connection is free for the next request, or will be once it has opened again. */
  readonly over: (answered: boolean) => void;
}

export class ExchangeHandler implements Dispatcher.DispatchHandler {
  readonly answer: Promise<Answer>;
  readonly #exchange: Exchange;
  readonly #hooks: ExchangeHooks;
  #resolve: (answer: Answer) => void = () => {};
  #reject: (error: unknown) => void = () => {};
  #controller: Dispatcher.DispatchController | undefined;
  #cancelled: Error | undefined;
  #body: ResponseBody | undefined;
  #reused = false;
  readonly #stopListening: () => void;

  constructor(exchange: Exchange, hooks: ExchangeHooks) {
    this.#exchange = exchange;
    this.#hooks = hooks;
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#stopListening = onAbort(exchange.signal, () => this.#cancel(exchange.signal.reason));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#reused = this.#hooks.reused();
    this.#controller = controller;
    if (this.#cancelled !== undefined) controller.abort(this.#cancelled);
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: object): void {
    if (status < 200) return;
    const flat = flattenHeaders(headers);
    const body = new ResponseBody({
      flow: controller,
      length: this.#exchange.method === 'HEAD' ? undefined : parseLength(flat['content-length']),
      explain: this.#exchange.explain,
      refuse: this.#exchange.refuse,
    });
    this.#body = body;
    this.#resolve({ status, headers: flat, body });
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    this.#body?.push(chunk);
  }

  onResponseEnd(): void {
    this.#over(true);
    this.#body?.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: unknown): void {
    this.#over(false);
    const { body } = this.#exchange;
    const cause = (body instanceof Upload ? body.failure?.error : undefined) ?? error;
    if (this.#body !== undefined) this.#body.fail(cause);
    else this.#reject(new ExchangeError(cause, { started: this.#controller !== undefined, reused: this.#reused }));
  }

  /** Before the connection is open nothing can be taken back: the caller is told at once, the connection when it opens. */
  #cancel(reason: unknown): void {
    const error = reason instanceof Error ? reason : new Error('aborted', { cause: reason });
    this.#cancelled = error;
    if (this.#controller !== undefined) this.#controller.abort(error);
    else this.#reject(new ExchangeError(error, { started: false, reused: false }));
  }

  #over(answered: boolean): void {
    this.#stopListening();
    this.#hooks.over(answered);
    const { body } = this.#exchange;
    if (body instanceof Upload && body.started) body.stop();
  }
}

function flattenHeaders(headers: object): Record<string, string> {
  const flat: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(headers)) {
    flat[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : String(value);
  }
  return flat;
}

function parseLength(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
