/** A program: a name server at port 53 of an address. Orders come as JSON lines, each is answered with one line; it ends with its input. */
import { createInterface } from 'node:readline';
import { type NameEntry, startNameServer } from '../../support/nameServer.ts';

export type Order = { readonly set: string; readonly entry: NameEntry } | { readonly do: 'stop' | 'start' };

const server = await startNameServer({ address: process.argv[2] ?? '127.0.0.1', port: 53 });
console.log('done');
for await (const line of createInterface({ input: process.stdin })) {
  const order: Order = JSON.parse(line);
  if ('set' in order) server.set(order.set, order.entry);
  else await server[order.do]();
  console.log('done');
}
await server.close();
