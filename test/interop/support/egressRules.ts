/** Takes single destinations out of generated nftables rules: one line is one destination. */
export interface RuledDestination {
  readonly host: string;
  readonly port: number;
  readonly protocol: string;
}

/** The rules without those that let packets out to this destination. Throws where it has none. */
export function withoutRulesOf({ host, port, protocol }: RuledDestination, rules: string): string {
  const lines = rules.split('\n');
  const isIts = (line: string) =>
    line.includes(` ${protocol} dport ${port} accept `) && /comment "\w+ (\S+) /.exec(line)?.[1] === host;
  const kept = lines.filter((line) => !isIts(line));
  if (kept.length !== lines.length - 1) throw new Error(`Not one rule, but ${lines.length - kept.length} for ${host}`);
  return kept.join('\n');
}
