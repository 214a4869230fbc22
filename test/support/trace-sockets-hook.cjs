/** Loaded into a Node.js program with --require: appends each connection and each look-up to the file AIRGAP_TRACE_SOCKETS names. */
const dgram = require('node:dgram');
const dns = require('node:dns');
const { appendFileSync } = require('node:fs');
const { syncBuiltinESMExports } = require('node:module');
const net = require('node:net');

const file = process.env.AIRGAP_TRACE_SOCKETS;

function record(kind, to) {
  appendFileSync(file, `${JSON.stringify({ kind, to })}\n`);
}

function before(object, name, note) {
  const original = object[name];
  object[name] = function traced(...args) {
    note(...args);
    return original.apply(this, args);
  };
}

function addressOf(host, port) {
  return `${net.isIPv6(host) ? `[${host}]` : host}:${port}`;
}

/** What net.connect() takes, in any of its forms. `tls` comes through here as well. */
function noteConnect(first, second) {
  // Node.js itself passes its arguments on as one array.
  const [given, host] = Array.isArray(first) ? first : [first, second];
  const options = typeof given === 'object' && given !== null ? given : { port: given, host };
  if (typeof options.path === 'string') return record('connect', `unix:${options.path}`);
  if (typeof given === 'string' && Number.isNaN(Number(given))) return record('connect', `unix:${given}`);
  record('connect', addressOf(typeof options.host === 'string' ? options.host : 'localhost', options.port));
}

const noteName = (name) => {
  if (net.isIP(name) === 0) record('lookup', String(name));
};

record('started', String(process.pid));
before(net.Socket.prototype, 'connect', noteConnect);
before(dgram.Socket.prototype, 'connect', (port, host) =>
  record('connect', addressOf(typeof host === 'string' ? host : 'localhost', port)),
);
before(dgram.Socket.prototype, 'send', (...args) => {
  // send(message[, offset, length], port, host[, callback]); a connected socket names neither.
  const [port, host] = typeof args[3] === 'number' ? args.slice(3) : args.slice(1);
  if (typeof port === 'number') record('connect', addressOf(typeof host === 'string' ? host : 'localhost', port));
});
for (const place of [dns, dns.promises, dns.Resolver.prototype, dns.promises.Resolver.prototype]) {
  for (const name of Object.getOwnPropertyNames(place)) {
    if (/^(lookup|resolve[A-Z0-9]?\w*)$/.test(name) && typeof place[name] === 'function') before(place, name, noteName);
  }
}
syncBuiltinESMExports();
