/** The results as one Markdown table: a row per tool and pass, each figure as median, or min / median / max for the seconds. */

export function table(results, names) {
  const rows = [];
  for (const pass of ['cold', 'again']) {
    for (const name of names) {
      const runs = results.filter((result) => result.name === name && result.pass === pass);
      if (runs.length > 0) rows.push(row(pass === 'cold' ? name : `${name}, again`, runs));
    }
  }
  const columns = [
    'tool',
    'wall s min / median / max',
    'CPU s',
    'peak RSS MB',
    'upstream requests',
    'upstream MB',
    'MB fetched twice',
    'target requests',
    'differences',
    'failed runs',
  ];
  return aligned([columns, columns.map(() => '---'), ...rows]);
}

/** Lines of cells as Markdown; a cell `---` fills its column. */
export function aligned(cells) {
  const widths = cells[0].map((_, column) => Math.max(...cells.map((line) => line[column].length)));
  return cells
    .map(
      (line) =>
        `| ${line.map((cell, column) => cell.padEnd(widths[column], cell === '---' ? '-' : ' ')).join(' | ')} |`,
    )
    .join('\n');
}

function row(name, runs) {
  const middle = (pick) => spread(runs.map(pick))[1];
  const worst = (pick) => spread(runs.map(pick))[2];
  return [
    name,
    spread(runs.map(({ wall }) => wall))
      .map((value) => value.toFixed(2))
      .join(' / '),
    middle(({ cpu }) => cpu).toFixed(2),
    worst(({ memory }) => memory).toFixed(0),
    String(middle(({ upstreamRequests }) => upstreamRequests)),
    (middle(({ upstreamBytes }) => upstreamBytes) / 1e6).toFixed(1),
    (worst(({ twice }) => twice) / 1e6).toFixed(1),
    String(middle(({ targetRequests }) => targetRequests)),
    runs.some(({ different }) => different === undefined) ? '-' : String(worst(({ different }) => different)),
    String(runs.filter(({ status }) => status !== 0).length),
  ];
}

/** Least, median (the lower of the two middle ones) and greatest. */
export function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return [sorted[0], sorted[Math.floor((sorted.length - 1) / 2)], sorted.at(-1)];
}
