/** Things by what they have in common. */

/** Groups in the order of their first members, each in the given order. Takes time for each member once, however many groups there are. */
export function groupedBy<T>(members: Iterable<T>, keyOf: (member: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const member of members) {
    const key = keyOf(member);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [member]);
    else group.push(member);
  }
  return groups;
}
