/** Endpoints of mirrors as other files than Talos' own need them. */
import { pathSegment } from '../mirror/rule.ts';
import type { EndpointTls } from '../talos/node-config.ts';

/** `host[:port]` as the URL writes it: what TLS settings and credentials are looked up by. */
export function endpointHost(url: string): string {
  const [, authority = ''] = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(url) ?? [];
  return authority.slice(authority.lastIndexOf('@') + 1);
}

/** Whether TLS settings say anything. */
export function hasContent(settings: EndpointTls): boolean {
  return settings.ca !== undefined || settings.clientCertificate !== undefined || settings.insecureSkipVerify === true;
}

/** `text`, ending with a line feed. */
export function withLineEnd(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`;
}

/** A host as the beginning of a file's name. */
export function fileStem(host: string): string {
  return pathSegment(host).replace(/[\\/\0]/g, '_');
}
