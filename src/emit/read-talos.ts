/** Registry mirrors read back from a Talos machine configuration or patch, ours or anyone's. */
import { parseAllDocuments } from 'yaml';
import { AirgapError } from '../errors.ts';
import { quoteText } from '../oci/quote.ts';
import type { NodeEndpoint, NodeMirror } from '../talos/node-mirrors.ts';

export interface TalosRegistries {
  /** Sorted by registry. */
  readonly mirrors: readonly NodeMirror[];
}

type Fields = Readonly<Record<string, unknown>>;

/** Longest configuration in characters. */
const longestText = 4 * 1024 * 1024;

/**
 * Reads both forms, `machine.registries.mirrors` and RegistryMirrorConfig documents; a document replaces the entry of the
 * same name (siderolabs/talos v1.13.9, pkg/machinery/config/container). Documents of other kinds are passed over.
 * Throws ERR_INPUT_INVALID for what Talos refuses, and for endpoints without `http://` or `https://`, which Talos takes and
 * then cannot pull from (siderolabs/talos#8543).
 */
export function readTalosRegistries(text: string): TalosRegistries {
  const mirrors = new Map<string, NodeMirror>();
  const documents = new Map<string, NodeMirror>();
  for (const value of readDocuments(text)) {
    if (value.kind === 'RegistryMirrorConfig') {
      const mirror = readDocument(value);
      if (documents.has(mirror.registry))
        throw invalid(`two RegistryMirrorConfig documents are named ${quoteText(mirror.registry)}`);
      documents.set(mirror.registry, mirror);
    } else if (value.kind === undefined) {
      for (const mirror of readSection(value)) mirrors.set(mirror.registry, mirror);
    }
  }
  const all = new Map([...mirrors, ...documents]);
  return { mirrors: [...all.values()].sort((a, b) => (a.registry < b.registry ? -1 : 1)) };
}

function readDocuments(text: string): Fields[] {
  if (text.length > longestText) throw invalid(`it is longer than ${longestText} characters`);
  const parsed = parseAllDocuments(text, { logLevel: 'error' });
  const documents = Array.isArray(parsed) ? parsed : [];
  const values: Fields[] = [];
  for (const document of documents) {
    const error = document.errors[0];
    if (error !== undefined) throw invalid(error.message.split('\n', 1)[0] ?? '', error);
    const value = toValue(document);
    if (value === null) continue;
    values.push(fields(value, 'a document'));
  }
  return values;
}

function toValue(document: { toJS(): unknown }): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : 'it cannot be read', error);
  }
}

function readSection(value: Fields): NodeMirror[] {
  const registries = optionalFields(optionalFields(value.machine, 'machine')?.registries, 'machine.registries');
  const mirrors = optionalFields(registries?.mirrors, 'machine.registries.mirrors') ?? {};
  return Object.entries(mirrors).map(([registry, entry]) => {
    const where = `registries.mirrors[${quoteText(registry)}]`;
    if (entry === null) throw invalid(`${where} is null`);
    const mirror = fields(entry, where);
    const overridePath = flag(mirror.overridePath, `${where}.overridePath`);
    const endpoints = list(mirror.endpoints, `${where}.endpoints`).map((url, index) => ({
      url: endpointUrl(url, `${where}.endpoints[${index}]`),
      overridePath,
    }));
    return { registry, endpoints, skipFallback: flag(mirror.skipFallback, `${where}.skipFallback`) };
  });
}

function readDocument(value: Fields): NodeMirror {
  const registry = value.name;
  if (typeof registry !== 'string' || registry === '') throw invalid('RegistryMirrorConfig: name must be specified');
  const where = `RegistryMirrorConfig ${quoteText(registry)}`;
  const endpoints = list(value.endpoints, `${where}: endpoints`).map((entry, index): NodeEndpoint => {
    const at = `${where}: endpoints[${index}]`;
    const endpoint = fields(entry, at);
    return {
      url: endpointUrl(endpoint.url, `${at}.url`),
      overridePath: flag(endpoint.overridePath, `${at}.overridePath`),
    };
  });
  return { registry, endpoints, skipFallback: flag(value.skipFallback, `${where}: skipFallback`) };
}

function endpointUrl(value: unknown, where: string): string {
  if (typeof value !== 'string' || value === '') throw invalid(`${where} must be specified`);
  const url = /^https?:\/\//i.test(value) && URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined) throw invalid(`${where} is no http:// or https:// URL: ${quoteText(value)}`);
  return value;
}

function list(value: unknown, where: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  throw invalid(`${where} is no list`);
}

function flag(value: unknown, where: string): boolean {
  if (value === undefined || value === null) return false;
  if (typeof value === 'boolean') return value;
  throw invalid(`${where} is neither true nor false`);
}

function optionalFields(value: unknown, where: string): Fields | undefined {
  return value === undefined || value === null ? undefined : fields(value, where);
}

function fields(value: unknown, where: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw invalid(`${where} is no mapping`);
}

function invalid(state: string, cause?: unknown): AirgapError {
  return new AirgapError('ERR_INPUT_INVALID', `Cannot read "Talos configuration": ${state}`, { cause });
}
