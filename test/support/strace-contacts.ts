/** Reads a log of `strace -f -xx -e trace=connect,sendto,sendmsg,sendmmsg,openat`: who was contacted? */

export interface Contact {
  /** A connection that was tried or a datagram that was sent, or a name that was asked for. */
  readonly kind: 'connect' | 'lookup';
  /** `127.0.0.1:5000`, `[::1]:5000`, `unix:/path`; or the name, `a name in /etc/hosts` or `a name, asked of SERVICE`. */
  readonly to: string;
}

/** Sockets of services that look names up for others. */
const nameServices = /\/(?:nscd\/socket|io\.systemd\.Resolve|resolve)/;
/** Looking a name up with the system's library begins here, whatever comes of it. */
const hostsFile = '/etc/hosts';
const dnsPort = 53;

/** In the order of the log. Calls that failed count as well: the attempt is what matters. */
export function contactsInStrace(log: string): Contact[] {
  /** File descriptors that were connected to a DNS server. Those of several processes are not kept apart: too many is better than too few. */
  const resolvers = new Set<string>();
  return log.split('\n').flatMap((line) => {
    const [, call = '', fd = '', rest = ''] =
      /^(?:\d+ +)?(connect|sendto|sendmsg|sendmmsg|openat)\(([^,]+), (.*)$/.exec(line) ?? [];
    if (call === 'openat') return firstString(rest) === hostsFile ? [lookup(`a name in ${hostsFile}`)] : [];
    const address = addressIn(rest);
    const toResolver = address?.port === dnsPort || (address === undefined && resolvers.has(fd));
    if (call === 'connect') resolvers[toResolver ? 'add' : 'delete'](fd);
    const names = call !== 'connect' && toResolver ? questionsIn(rest).map(lookup) : [];
    return address === undefined ? names : [address.contact, ...names];
  });
}

function lookup(to: string): Contact {
  return { kind: 'lookup', to };
}

interface Address {
  readonly contact: Contact;
  readonly port?: number;
}

function addressIn(text: string): Address | undefined {
  const four = /sa_family=AF_INET, sin_port=htons\((\d+)\), sin_addr=inet_addr\("([^"]*)"\)/.exec(text);
  if (four !== null) return internet(plain(four[2] ?? ''), four[1]);
  const six = /sa_family=AF_INET6, sin6_port=htons\((\d+)\),.*?inet_pton\(AF_INET6, "([^"]*)"/.exec(text);
  if (six !== null) return internet(`[${plain(six[2] ?? '')}]`, six[1]);
  const local = /sa_family=AF_UNIX, sun_path=@?"([^"]*)"/.exec(text);
  if (local === null) return undefined;
  const path = plain(local[1] ?? '');
  return {
    contact: nameServices.test(path) ? lookup(`a name, asked of ${path}`) : { kind: 'connect', to: `unix:${path}` },
  };
}

function internet(host: string, port: string | undefined): Address {
  return { contact: { kind: 'connect', to: `${host}:${port}` }, port: Number(port) };
}

/** The names asked for in the payloads of a call (RFC 1035, sections 4.1.1 and 4.1.2). */
function questionsIn(text: string): string[] {
  const payloads = [...text.matchAll(/"((?:\\x[0-9a-f]{2})+)"/g)].map(([, hex = '']) => bytesOf(hex));
  return payloads.flatMap((bytes) => {
    const labels: string[] = [];
    for (let at = 12; (bytes[at] ?? 0) > 0; at += 1 + (bytes[at] ?? 0))
      labels.push(bytes.toString('latin1', at + 1, at + 1 + (bytes[at] ?? 0)));
    return labels.length === 0 ? [] : [labels.join('.')];
  });
}

function firstString(text: string): string {
  return plain(/"([^"]*)"/.exec(text)?.[1] ?? '');
}

/** strace writes strings as `\x2f\x65…`; addresses as they are, in some releases. */
function plain(text: string): string {
  return /^(?:\\x[0-9a-f]{2})+$/.test(text) ? bytesOf(text).toString('latin1') : text;
}

function bytesOf(hex: string): Buffer {
  return Buffer.from(hex.replaceAll('\\x', ''), 'hex');
}
