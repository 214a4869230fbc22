/**
 * A wide-area link made of a TCP proxy, its own process: `node link.mjs HOST:PORT RTT_MS MBIT_PER_S [SHARE]`.
 *
 * What it models: the round trip (half in each direction, and one more before a connection's first byte, for its handshake), one rate
 * that all connections share fairly, TCP's slow start per connection (10 segments at first and after a second of silence, doubling with
 * each round trip), and with SHARE the part of the rate that one connection can get at most. What it does not model: loss.
 * Prints its port; on each message of its parent it answers with the bytes it delivered to clients.
 */
import { connect, createServer } from 'node:net';

const [upstream = '', roundTrip = '50', megabits = '200', share = '1'] = process.argv.slice(2);
const [host, port] = upstream.split(':');
const rtt = Number(roundTrip);
const rate = (Number(megabits) * 1_000_000) / 8 / 1000; // bytes per millisecond
const perConnection = rate * Number(share);

const firstWindow = 14_600;
const largestWindow = 6_000_000;
const piece = 16_384;
/** As much as a socket's buffers would hold. */
const readAhead = 1_000_000;

const active = new Set();
let delivered = 0;
let budget = 0;
let ticked = performance.now();

/** One direction's delay: things come out in the order they went in, `rtt / 2` later. */
function delayLine(deliver) {
  const waiting = [];
  let timer;
  const run = () => {
    timer = undefined;
    while (waiting.length > 0 && waiting[0].due <= performance.now()) deliver(waiting.shift().item);
    if (waiting.length > 0) timer = setTimeout(run, Math.max(0, waiting[0].due - performance.now()));
  };
  return (item, extra = 0) => {
    waiting.push({ item, due: performance.now() + rtt / 2 + extra });
    if (timer === undefined) timer = setTimeout(run, rtt / 2 + extra);
  };
}

function accept(client) {
  const server = connect(Number(port), host);
  const connection = {
    client,
    server,
    queue: [],
    queued: 0,
    window: firstWindow,
    inFlight: 0,
    allowance: 0,
    lastSent: 0,
    ended: false,
  };
  client.setNoDelay(true);
  server.setNoDelay(true);
  let handshake = rtt;
  const toServer = delayLine((chunk) => (chunk === undefined ? server.end() : server.write(chunk)));
  client.on('data', (chunk) => {
    toServer(chunk, handshake);
    handshake = 0;
  });
  client.on('end', () => toServer(undefined, handshake));
  connection.deliver = delayLine((chunk) => deliver(connection, chunk));
  connection.acknowledge = delayLine((bytes) => {
    connection.inFlight -= bytes;
    connection.window = Math.min(largestWindow, connection.window + bytes);
  });
  server.on('data', (chunk) => {
    connection.queue.push(chunk);
    connection.queued += chunk.length;
    active.add(connection);
    if (connection.queued > readAhead) server.pause();
    wake();
  });
  server.on('end', () => {
    connection.ended = true;
    active.add(connection);
    wake();
  });
  const close = () => {
    active.delete(connection);
    client.destroy();
    server.destroy();
  };
  client.on('error', close).on('close', close);
  server.on('error', close);
}

function deliver(connection, chunk) {
  if (connection.client.destroyed) return;
  if (chunk === undefined) {
    connection.client.end();
    return;
  }
  delivered += chunk.length;
  connection.client.write(chunk);
  connection.acknowledge(chunk.length);
}

/** Sends one piece of a connection if its window, its own rate and its reader allow it; gives the bytes sent. */
function sendPiece(connection) {
  if (connection.queue.length === 0) {
    if (connection.ended) connection.deliver(undefined);
    active.delete(connection);
    return 0;
  }
  if (connection.inFlight === 0 && performance.now() - connection.lastSent > 1000) connection.window = firstWindow;
  const [first] = connection.queue;
  const size = Math.min(piece, first.length);
  const full = connection.inFlight > 0 && connection.inFlight + size > connection.window;
  if (full || connection.allowance <= 0 || connection.client.writableLength > readAhead) return 0;
  if (size === first.length) connection.queue.shift();
  else connection.queue[0] = first.subarray(size);
  connection.queued -= size;
  if (connection.queued < readAhead / 2) connection.server.resume();
  connection.allowance -= size;
  connection.inFlight += size;
  connection.lastSent = performance.now();
  connection.deliver(first.subarray(0, size));
  return size;
}

let timer;
function wake() {
  if (timer === undefined) timer = setTimeout(tick, 1);
}

function tick() {
  timer = undefined;
  const now = performance.now();
  const elapsed = Math.min(50, now - ticked);
  ticked = now;
  budget = Math.min(budget + elapsed * rate, rate * 50);
  for (const connection of active)
    connection.allowance = Math.min(connection.allowance + elapsed * perConnection, perConnection * 50);
  // Round after round, one piece each, so that all get the same share of what there is.
  for (let sent = 1; sent > 0 && budget > 0; ) {
    sent = 0;
    for (const connection of [...active]) {
      if (budget <= 0) break;
      const bytes = sendPiece(connection);
      active.delete(connection);
      if (connection.queue.length > 0 || (connection.ended && bytes > 0)) active.add(connection);
      sent += bytes;
      budget -= bytes;
    }
  }
  if (active.size > 0) wake();
}

const server = createServer({ allowHalfOpen: true }, accept);
server.listen(0, '127.0.0.1', () => process.send?.({ port: server.address().port }));
process.on('message', () => process.send?.({ delivered }));
process.on('disconnect', () => process.exit(0));
