/** Registry hosts: `host[:port]`, brought into one form so that equal hosts are equal text. */

/** `host[:port]` in lower case, IPv6 shortened, port without leading zeros; or why it is no host (a state: "its host is ..."). */
export function canonicalHost(text: string): string | { readonly refused: string } {
  const parts = /^(\[[0-9A-Fa-f:]{2,45}\]|[A-Za-z0-9.-]{1,253})(?::([0-9]{1,8}))?$/.exec(text);
  if (parts === null) return { refused: 'not HOST or HOST:PORT' };
  const [, host = '', portText] = parts;
  const name = host.startsWith('[') ? shortIpv6(host) : checkedName(host.toLowerCase());
  if (typeof name !== 'string') return name;
  if (portText === undefined) return name;
  const port = Number(portText);
  if (port < 1 || port > 65_535) return { refused: `at port ${portText}, and ports are 1 to 65535` };
  return `${name}:${port}`;
}

/** True for text that canonicalHost() gives back as it is. */
export function isCanonicalHost(text: string): boolean {
  return text.length <= 260 && canonicalHost(text) === text;
}

/** The host that serves a registry's API: only Docker Hub's differs (containerd v2.2.1, core/remotes/docker/resolver.go, DefaultHost). */
export function defaultHost(registry: string): string {
  return registry === 'docker.io' ? 'registry-1.docker.io' : registry;
}

function shortIpv6(host: string): string | { readonly refused: string } {
  const url = `http://${host}/`;
  return URL.canParse(url) ? new URL(url).hostname : { refused: 'no IPv6 address' };
}

function checkedName(host: string): string | { readonly refused: string } {
  const labels = host.split('.');
  const last = labels.at(-1) ?? '';
  if (!labels.every((label) => label.length <= 63 && /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(label))) {
    return { refused: 'not a DNS name or an IP address' };
  }
  if (/^(?:[0-9]+|0x[0-9a-f]*)$/.test(last) && !isIpv4(labels)) return { refused: 'no IPv4 address' };
  // What remains is up to the URL parser: a newer one takes Punycode labels that an older one refused.
  return URL.canParse(`http://${host}/`) ? host : { refused: 'not a DNS name' };
}

function isIpv4(labels: readonly string[]): boolean {
  return labels.length === 4 && labels.every((label) => /^(?:0|[1-9][0-9]{0,2})$/.test(label) && Number(label) <= 255);
}
