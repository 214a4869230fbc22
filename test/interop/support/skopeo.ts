/** skopeo as a witness: reads what we wrote with somebody else's code. */
import { createHash } from 'node:crypto';
import { output, type RunOptions } from './programs.ts';

const open = ['--override-os', 'linux', '--override-arch', 'amd64'];

export interface SkopeoOptions extends RunOptions {
  /** `user:password`. */
  readonly credentials?: string;
}

/** The bytes of the manifest a reference such as `docker://HOST/NAME:TAG` or `oci:DIR:NAME` stands for. */
export async function rawManifest(reference: string, options: SkopeoOptions = {}): Promise<string> {
  return output(['skopeo', ...open, 'inspect', '--raw', ...access(reference, '', options), reference], options);
}

/** Digest of the manifest's bytes. */
export async function manifestDigest(reference: string, options: SkopeoOptions = {}): Promise<string> {
  return `sha256:${createHash('sha256')
    .update(await rawManifest(reference, options))
    .digest('hex')}`;
}

/** Every digest reachable from a reference: root first, then children of indexes, each with its own bytes checked. */
export async function manifestDigests(
  repository: string,
  tagOrDigest: string,
  options: SkopeoOptions = {},
): Promise<string[]> {
  const separator = tagOrDigest.includes(':') ? '@' : ':';
  const text = await rawManifest(`docker://${repository}${separator}${tagOrDigest}`, options);
  const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`;
  const children = (JSON.parse(text) as { manifests?: { digest: string }[] }).manifests ?? [];
  const below = [];
  for (const child of children) below.push(...(await manifestDigests(repository, child.digest, options)));
  return [digest, ...below];
}

/** Copies an image with all its platforms. */
export async function copyAll(from: string, to: string, options: SkopeoOptions = {}): Promise<void> {
  await output(
    ['skopeo', 'copy', '--all', '--quiet', ...access(from, 'src-', options), ...access(to, 'dest-', options), from, to],
    options,
  );
}

function access(reference: string, side: '' | 'src-' | 'dest-', { credentials }: SkopeoOptions): string[] {
  if (!reference.startsWith('docker://')) return [];
  return [`--${side}tls-verify=false`, ...(credentials === undefined ? [] : [`--${side}creds`, credentials])];
}
