/** Counts bytes from one upstream host, for the copier's decision whether more streams gain anything. */
export class Meter {
  #bytes = 0;

  add(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Bytes since the meter was made. */
  get bytes(): number {
    return this.#bytes;
  }
}

/** Meters by host. */
export class Meters {
  readonly #byHost = new Map<string, Meter>();

  of(host: string): Meter {
    const known = this.#byHost.get(host);
    if (known !== undefined) return known;
    const meter = new Meter();
    this.#byHost.set(host, meter);
    return meter;
  }

  get bytes(): number {
    return [...this.#byHost.values()].reduce((total, meter) => total + meter.bytes, 0);
  }
}
