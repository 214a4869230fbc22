/** IPv4 and IPv6 addresses and CIDR blocks, each in the one way it is written. */

export type Family = 4 | 6;

/** In the order rules are written in. */
export const families: readonly Family[] = [4, 6];

/** Of an address without brackets or zone; undefined for anything else. */
export function familyOf(address: string): Family | undefined {
  const numbers = address.split('.');
  if (numbers.length === 4 && numbers.every((number) => /^(?:0|[1-9]\d{0,2})$/.test(number) && Number(number) <= 255))
    return 4;
  const isWritten = /^[0-9a-f:.]{2,45}$/i.test(address) && address.includes(':');
  return isWritten && URL.canParse(`http://[${address}]/`) ? 6 : undefined;
}

/** Of an address or a CIDR block; undefined for anything else. */
export function familyOfBlock(text: string): Family | undefined {
  const [address = '', bits, ...more] = text.split('/');
  const family = familyOf(address);
  const isBlock = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
  return isBlock && more.length === 0 ? family : undefined;
}

/** Two spellings of an IPv6 address become the same text: lower case, shortened, no dots. */
export function shortAddress(address: string): string {
  return familyOf(address) === 6 ? new URL(`http://[${address}]/`).hostname.slice(1, -1) : address;
}

/** Whether an address stands in both. */
export function blocksMeet(one: readonly string[], other: readonly string[]): boolean {
  return families.some(
    (family) =>
      blocksOf([...one, ...other], family).length < blocksOf(one, family).length + blocksOf(other, family).length,
  );
}

interface Block {
  readonly family: Family;
  readonly first: bigint;
  readonly bits: number;
  readonly text: string;
}

/**
 * Addresses and blocks of one family, sorted, each once: host bits are cleared, and what another block holds is left out, as nft and squid
 * refuse or complain about both.
 */
export function blocksOf(texts: readonly string[], family: Family): string[] {
  const blocks = texts.filter((text) => familyOfBlock(text) === family).map((text) => readBlock(text, family));
  const width = family === 4 ? 32 : 128;
  const sorted = [...blocks].sort((one, other) => compareNumbers(one.first, other.first) || one.bits - other.bits);
  const kept: Block[] = [];
  for (const block of sorted) {
    const before = kept.at(-1);
    const shift = BigInt(width - (before?.bits ?? 0));
    if (before === undefined || before.first >> shift !== block.first >> shift) kept.push(block);
  }
  return kept.map(({ text }) => text);
}

function readBlock(text: string, family: Family): Block {
  const [address = '', written] = text.split('/');
  const width = family === 4 ? 32 : 128;
  const bits = written === undefined ? width : Number(written);
  const hostBits = BigInt(width - bits);
  const first = (numberOf(address, family) >> hostBits) << hostBits;
  const own = writeNumber(first, family);
  return { family, first, bits, text: bits === width ? own : `${own}/${bits}` };
}

function compareNumbers(one: bigint, other: bigint): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

function numberOf(address: string, family: Family): bigint {
  if (family === 4) return address.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n);
  const [head = '', tail] = shortAddress(address).split('::');
  const before = groupsOf(head);
  const after = groupsOf(tail ?? '');
  const groups = [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after];
  return groups.reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n);
}

function groupsOf(text: string): string[] {
  return text === '' ? [] : text.split(':');
}

function writeNumber(number: bigint, family: Family): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => String((number >> shift) & 255n)).join('.');
  const hex = number.toString(16).padStart(32, '0');
  return shortAddress((hex.match(/.{4}/g) ?? []).join(':'));
}
