/** What packaging has to know of ELF files, so that it depends on no binutils: leaving out symbols, and which libraries a program asks for. */

const allocated = 2n;
const noBits = 8;
const versionsNeeded = 0x6ffffffe;
const loadSegment = 1;

/**
 * The same program without its symbol tables and debugging sections, which nothing reads at run time. Bytes in, bytes out: `strip` gives
 * other bytes from one release of binutils to the next.
 */
export function withoutSymbols(program) {
  const { sections, names } = readSections(program);
  const kept = sections.filter((section, index) => index === 0 || (section.flags & allocated) !== 0n);
  // Sections name each other by index, which is why only sections behind all kept ones can go.
  if (kept.some((section, index) => section !== sections[index])) return program;
  const end = Math.max(...[...kept.filter(({ type }) => type !== noBits), ...readSegments(program)].map(endOf));
  const namesStart = aligned(end);
  const tableStart = aligned(namesStart + names.size);
  const header = program.readUInt16LE(0x3a);
  const result = Buffer.alloc(tableStart + (kept.length + 1) * header);
  program.copy(result, 0, 0, end);
  program.copy(result, namesStart, names.offset, names.offset + names.size);
  for (const [index, { at }] of [...kept, names].entries())
    program.copy(result, tableStart + index * header, at, at + header);
  result.writeBigUInt64LE(BigInt(namesStart), tableStart + kept.length * header + 0x18);
  result.writeBigUInt64LE(BigInt(tableStart), 0x28);
  result.writeUInt16LE(kept.length + 1, 0x3c);
  result.writeUInt16LE(kept.length, 0x3e);
  return result;
}

/** The highest version of each family of symbols the program asks of its libraries: `{ GLIBC: '2.28', GLIBCXX: '3.4.21', … }`. */
export function requiredVersions(program) {
  const { sections } = readSections(program);
  const needed = sections.find(({ type }) => type === versionsNeeded);
  const strings = sections[needed?.link ?? 0];
  const highest = {};
  for (const offset of needed === undefined ? [] : versionNames(program, needed)) {
    const start = strings.offset + offset;
    const name = program.toString('latin1', start, program.indexOf(0, start));
    const [, family, version] = /^([A-Z]+)_([\d.]+)$/.exec(name) ?? [];
    if (version !== undefined && isHigher(version, highest[family])) highest[family] = version;
  }
  return highest;
}

/** Offsets of the names in the string table: two linked lists, one inside the other. */
function* versionNames(program, section) {
  for (let at = section.offset, next = 1; next !== 0; at += next) {
    next = program.readUInt32LE(at + 12);
    for (let entry = at + program.readUInt32LE(at + 8), step = 1; step !== 0; entry += step) {
      step = program.readUInt32LE(entry + 12);
      yield program.readUInt32LE(entry + 8);
    }
  }
}

function isHigher(version, than) {
  return than === undefined || version.localeCompare(than, 'en', { numeric: true }) > 0;
}

function readSections(program) {
  if (program.readUInt32BE(0) !== 0x7f454c46 || program[4] !== 2 || program[5] !== 1)
    throw new Error('Not an ELF program of 64 bits, little endian');
  const [start, size, count] = [
    Number(program.readBigUInt64LE(0x28)),
    program.readUInt16LE(0x3a),
    program.readUInt16LE(0x3c),
  ];
  const sections = Array.from({ length: count }, (_, index) => {
    const at = start + index * size;
    return {
      at,
      type: program.readUInt32LE(at + 4),
      flags: program.readBigUInt64LE(at + 8),
      offset: Number(program.readBigUInt64LE(at + 0x18)),
      size: Number(program.readBigUInt64LE(at + 0x20)),
      link: program.readUInt32LE(at + 0x28),
    };
  });
  return { sections, names: sections[program.readUInt16LE(0x3e)] };
}

function readSegments(program) {
  const [start, size, count] = [
    Number(program.readBigUInt64LE(0x20)),
    program.readUInt16LE(0x36),
    program.readUInt16LE(0x38),
  ];
  return Array.from({ length: count }, (_, index) => start + index * size)
    .filter((at) => program.readUInt32LE(at) === loadSegment)
    .map((at) => ({
      offset: Number(program.readBigUInt64LE(at + 8)),
      size: Number(program.readBigUInt64LE(at + 0x20)),
    }));
}

function endOf({ offset, size }) {
  return offset + size;
}

function aligned(offset) {
  return Math.ceil(offset / 8) * 8;
}
