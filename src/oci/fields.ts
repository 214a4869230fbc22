/** Foreign JSON, read field by field: nothing is believed that was not checked, and whoever refuses names the field. */
import type { AirgapError } from '../errors.ts';

/** Makes the error for a field (`layers[3].size`, empty for the whole document) in a state (`is missing`). */
export type Refusal = (field: string, state: string) => AirgapError;

/** Deepest nesting of objects and lists that readJson() takes. */
export const maxJsonDepth = 64;

/** Reads UTF-8 JSON without a byte order mark. Throws what `refuse` makes for bad UTF-8, bad JSON and deep nesting. */
export function readJson(bytes: Uint8Array, refuse: Refusal): Field {
  if (depthOf(bytes) > maxJsonDepth) throw refuse('', `is nested more than ${maxJsonDepth} levels deep`);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw refuse('', 'is not UTF-8 text');
  }
  try {
    return new Field(JSON.parse(text), '', refuse);
  } catch (thrown) {
    if (thrown instanceof SyntaxError) throw refuse('', 'is not JSON');
    throw thrown;
  }
}

/** One place in a document: its value, and its path for messages. */
export class Field {
  readonly #value: unknown;
  readonly #refuse: Refusal;
  readonly path: string;

  constructor(value: unknown, path: string, refuse: Refusal) {
    this.#value = value;
    this.path = path;
    this.#refuse = refuse;
  }

  /** True when the field is not there, or null: Go programs write null for what they leave empty. */
  get absent(): boolean {
    return this.#value === undefined || this.#value === null;
  }

  /** True when the object has this key, whatever its value. */
  has(name: string): boolean {
    return Object.hasOwn(this.#object(), name);
  }

  at(name: string): Field {
    const object = this.#object();
    const value: unknown = Object.hasOwn(object, name) ? object[name] : undefined;
    return new Field(value, this.path === '' ? name : `${this.path}.${name}`, this.#refuse);
  }

  /** Refuses keys that are not among `known`. */
  onlyKnows(known: readonly string[]): void {
    const unknown = Object.keys(this.#object()).find((key) => !known.includes(key));
    if (unknown !== undefined) this.at(unknown.slice(0, 80)).fail('is not known');
  }

  keys(): string[] {
    return Object.keys(this.#object());
  }

  text(): string {
    if (typeof this.#value === 'string') return this.#value;
    return this.fail(this.absent ? 'is missing' : 'is not text');
  }

  /** A whole number from 0 up to 2^53 - 1. */
  count(): number {
    if (typeof this.#value === 'number' && Number.isSafeInteger(this.#value) && this.#value >= 0) return this.#value;
    return this.fail(this.absent ? 'is missing' : 'is not a whole number from 0 up');
  }

  list(limit: number): Field[] {
    if (!Array.isArray(this.#value)) return this.fail(this.absent ? 'is missing' : 'is not a list');
    if (this.#value.length > limit) return this.fail(`has ${this.#value.length} entries, at most ${limit} are read`);
    return this.#value.map((value: unknown, index) => new Field(value, `${this.path}[${index}]`, this.#refuse));
  }

  optional<T>(read: (field: Field) => T): T | undefined {
    return this.absent ? undefined : read(this);
  }

  fail(state: string): never {
    throw this.#refuse(this.path, state);
  }

  #object(): Readonly<Record<string, unknown>> {
    if (typeof this.#value === 'object' && this.#value !== null && !Array.isArray(this.#value)) {
      return this.#value as Readonly<Record<string, unknown>>;
    }
    return this.fail(this.absent && this.path !== '' ? 'is missing' : 'is not an object');
  }
}

const quote = 0x22;
const backslash = 0x5c;

/** Deepest nesting of brackets outside strings. Looks at bytes, so it costs nothing before it refuses. */
function depthOf(bytes: Uint8Array): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index];
    if (inString) {
      if (byte === backslash) index += 1;
      else if (byte === quote) inString = false;
    } else if (byte === quote) inString = true;
    else if (byte === 0x7b || byte === 0x5b) deepest = Math.max(deepest, ++depth);
    else if (byte === 0x7d || byte === 0x5d) depth -= 1;
  }
  return deepest;
}
