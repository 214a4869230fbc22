/** The lines of a list that talosctl printed. */
import { parseList } from '../../input/list.ts';

/** References in the order they were printed, once it is known that all of them are. Throws as parseList(). */
export function listedLines(name: string, bytes: Uint8Array): string[] {
  parseList(name, bytes);
  const lines = new TextDecoder().decode(bytes).split(/\r\n|\n|\r/);
  return lines.map((line) => line.replace(/(?:^|\s)#.*$/, '').trim()).filter((line) => line !== '');
}
