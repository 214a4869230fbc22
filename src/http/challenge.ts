/** What a 401 asks for: `WWW-Authenticate` (RFC 9110, 11.6.1). The text comes from a stranger: reading it never fails and takes linear time. */

export interface Challenge {
  /** Lower case. */
  readonly scheme: string;
  /** Names lower case; the first of repeated ones counts. */
  readonly parameters: ReadonlyMap<string, string>;
}

const longest = 16 * 1024;
const separators = /[\s,]*/y;
const token = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const equals = /[ \t]*=[ \t]*/y;
const quoted = /"((?:[^"\\]|\\[\s\S])*)"/y;
const bare = /[^\s,"]*/y;
const rest = /[^,]*/y;

/** Every challenge in the order it was written. What cannot be read is left out; more than 16 KiB are not read. */
export function parseChallenges(header: string): Challenge[] {
  const text = header.slice(0, longest);
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found === null) return undefined;
    at = pattern.lastIndex;
    return found;
  };
  for (;;) {
    take(separators);
    if (at >= text.length) return challenges;
    const name = take(token)?.[0].toLowerCase();
    if (name === undefined) {
      skipUnreadable();
      continue;
    }
    const current = challenges.at(-1);
    if (take(equals) === undefined) challenges.push({ scheme: name, parameters: new Map() });
    else {
      const value = readValue();
      if (current !== undefined && !current.parameters.has(name)) current.parameters.set(name, value);
    }
  }

  function readValue(): string {
    const inQuotes = take(quoted)?.[1];
    if (inQuotes !== undefined) return inQuotes.replaceAll(/\\([\s\S])/g, '$1');
    return text[at] === '"' ? (take(rest)?.[0].slice(1) ?? '') : (take(bare)?.[0] ?? '');
  }

  function skipUnreadable(): void {
    const before = at;
    take(rest);
    if (at === before) at += 1;
  }
}

/** The challenge to answer: Bearer before Basic, whichever this program can answer. */
export function preferredChallenge(challenges: readonly Challenge[]): Challenge | undefined {
  const bearer = challenges.find(
    (challenge) => challenge.scheme === 'bearer' && challenge.parameters.get('realm') !== undefined,
  );
  return bearer ?? challenges.find((challenge) => challenge.scheme === 'basic');
}
