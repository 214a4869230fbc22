/** A strict reader of the Prometheus text format 0.0.4, as far as this program writes it. */

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly type: string;
  readonly samples: readonly Sample[];
}

interface Reading {
  readonly families: Map<string, Family>;
  readonly seen: Set<string>;
  /** The family of the last HELP line. */
  helped: string;
  current: { readonly name: string; readonly type: string; readonly samples: Sample[] } | undefined;
}

/** Takes HELP, TYPE, then the samples of that family alone, each once, histograms whole. Throws for anything else. */
export function parseMetrics(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const reading: Reading = { families: new Map(), seen: new Set(), helped: '', current: undefined };
  for (const line of text.slice(0, -1).split('\n')) {
    if (line.startsWith('#')) readComment(reading, line);
    else addSample(reading, line);
  }
  for (const [name, family] of reading.families) if (family.type === 'histogram') checkHistogram(name, family);
  return reading.families;
}

function readComment(reading: Reading, line: string): void {
  const help = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (?:[^\\\n]|\\\\|\\n)*$/.exec(line);
  const type = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)$/.exec(line);
  if (help?.[1] !== undefined) {
    reading.helped = help[1];
    return;
  }
  if (type?.[1] === undefined || type[2] === undefined) throw new Error(`no comment of the format: ${line}`);
  if (type[1] !== reading.helped || reading.families.has(type[1])) throw new Error(`out of order: ${line}`);
  reading.current = { name: type[1], type: type[2], samples: [] };
  reading.families.set(type[1], reading.current);
}

function addSample({ current, seen }: Reading, line: string): void {
  if (current === undefined) throw new Error(`no family: ${line}`);
  const sample = parseSample(line);
  const endings = current.type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
  if (!endings.some((ending) => sample.name === `${current.name}${ending}`))
    throw new Error(`of another family: ${line}`);
  const key = `${sample.name}${JSON.stringify(Object.entries(sample.labels).sort())}`;
  if (seen.has(key)) throw new Error(`twice: ${line}`);
  seen.add(key);
  current.samples.push(sample);
}

function parseSample(line: string): Sample {
  const parts =
    /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (-?(?:[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?)|\+Inf|-Inf|NaN)$/.exec(line);
  if (parts?.[1] === undefined) throw new Error(`no sample: ${line}`);
  const labels: Record<string, string> = {};
  let rest = parts[2] ?? '';
  while (rest !== '') {
    const label = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,(?=[a-zA-Z_])|$)/.exec(rest);
    if (label?.[1] === undefined || label[1] in labels) throw new Error(`no label: ${rest}`);
    labels[label[1]] = label[2] ?? '';
    rest = rest.slice(label[0].length);
  }
  return { name: parts[1], labels, value: Number(parts[3]?.replace('Inf', 'Infinity')) };
}

/** Buckets of each kind rise, end with +Inf, and that is the count. */
function checkHistogram(name: string, { samples }: Family): void {
  for (const count of samples.filter((sample) => sample.name === `${name}_count`)) {
    const ofKind = (ending: string) =>
      samples.filter((sample) => sample.name === `${name}${ending}` && sample.labels.kind === count.labels.kind);
    const buckets = ofKind('_bucket').map(
      ({ labels, value }) => [Number(labels.le?.replace('Inf', 'Infinity')), value] as const,
    );
    const rises = buckets.every(([bound, value], index) => {
      const [lower, fewer] = buckets[index - 1] ?? [Number.NEGATIVE_INFINITY, 0];
      return bound > lower && value >= fewer;
    });
    const last = buckets.at(-1);
    if (!rises || last?.[0] !== Number.POSITIVE_INFINITY || last[1] !== count.value || ofKind('_sum').length !== 1)
      throw new Error(`a histogram that does not add up: ${name}`);
  }
}
