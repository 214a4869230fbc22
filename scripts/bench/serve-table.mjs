/** The results of serving as one Markdown table: a row per case and server, and how the first server compares with the second. */
import { aligned, spread } from './table.mjs';

const columns = [
  'case',
  'server',
  'seconds min / median / max',
  'MB/s',
  'first byte ms median / p99 / max',
  'server CPU s',
  'client CPU s',
  'client share',
  'peak RSS MB',
];

export function serveTable(rows, { cases, names }) {
  const body = cases.flatMap((title) => {
    const of = (name) => rows.filter((row) => row.case === title && row.server === name);
    const [one, other] = names;
    return [
      ...names.map((name) => line(title, name, of(name))),
      ...(other === undefined ? [] : [ratio(of(one), of(other))]),
    ];
  });
  return aligned([columns, columns.map(() => '---'), ...body]);
}

function middle(runs, pick) {
  return spread(runs.map(pick))[1];
}

function line(title, name, runs) {
  const firsts = runs.flatMap(({ firsts }) => firsts).map((seconds) => seconds * 1000);
  const share = middle(runs, ({ client, cpu }) => client / (client + cpu));
  const bytes = runs[0].bytes;
  return [
    title,
    name,
    spread(runs.map(({ wall }) => wall))
      .map((value) => value.toFixed(2))
      .join(' / '),
    bytes === undefined ? '-' : (bytes / 1e6 / middle(runs, ({ wall }) => wall)).toFixed(0),
    firsts.length === 0
      ? '-'
      : [quantile(firsts, 0.5), quantile(firsts, 0.99), quantile(firsts, 1)]
          .map((value) => value.toFixed(1))
          .join(' / '),
    middle(runs, ({ cpu }) => cpu).toFixed(2),
    middle(runs, ({ client }) => client).toFixed(2),
    `${(share * 100).toFixed(0)} %`,
    spread(runs.map(({ memory }) => memory))[2].toFixed(0),
  ];
}

/** How many times as fast, and with what part of the processor time and memory. */
function ratio(one, other) {
  const of = (pick) => middle(one, pick) / middle(other, pick);
  const seconds = 1 / of(({ wall }) => wall);
  const firsts = (runs) =>
    quantile(
      runs.flatMap(({ firsts }) => firsts),
      0.5,
    );
  const latency = one[0].firsts.length === 0 ? '-' : `x ${(firsts(one) / firsts(other)).toFixed(2)}`;
  const cpu = of(({ cpu }) => cpu);
  const memory = of(({ memory }) => memory);
  return [
    '',
    '**ratio**',
    `${seconds.toFixed(2)} x as fast`,
    '',
    latency,
    `x ${cpu.toFixed(2)}`,
    '',
    '',
    `x ${memory.toFixed(2)}`,
  ];
}

function quantile(values, part) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
}
