/** Parsed options by name, each read with the type it has. Pure. */

/** What commander gives for one command: camel-case names, absent when not given. */
export type Flags = Readonly<Record<string, unknown>>;

export function textFlag(flags: Flags, name: string): string | undefined {
  const value = flags[name];
  return typeof value === 'string' ? value : undefined;
}

/** True when given; `--no-x` options are true until turned off, so give their default. */
export function switchFlag(flags: Flags, name: string, byDefault = false): boolean {
  const value = flags[name];
  return typeof value === 'boolean' ? value : byDefault;
}

/** Every value of a repeatable option, in order. */
export function listFlag(flags: Flags, name: string): readonly string[] {
  const value = flags[name];
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}
