/** PEM files that go into a configuration: looked at first, as a node that cannot read them does not start. */
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { resolve } from 'node:path';
import { AirgapError } from '../../errors.ts';
import { readInputFile } from '../files.ts';

/** What has to be in a file. `verifier`: a public key or a certificate. */
export type PemKind = 'certificate' | 'key' | 'verifier';

const words: Readonly<Record<PemKind, string>> = {
  certificate: 'a certificate',
  key: 'a private key without a passphrase',
  verifier: 'a public key',
};

/** The PEM blocks of a file, each ended by a line feed, without what stands around them. Throws ERR_INPUT_INVALID. */
export type PemReader = (name: string, kind: PemKind) => Promise<string>;

/** Reads each file once, however often it is asked for: what comes through a pipe is there once. */
export function pemReader(cwd: string): PemReader {
  const files = new Map<string, Promise<Uint8Array>>();
  return async (name, kind) => {
    const reading = files.get(name) ?? readInputFile(resolve(cwd, name), name);
    files.set(name, reading);
    return pemIn(Buffer.from(await reading).toString('utf8'), { name, kind });
  };
}

function pemIn(text: string, file: { readonly name: string; readonly kind: PemKind }): string {
  const blocks = text.match(/-----BEGIN ([A-Z0-9 ]+)-----\r?\n[^-]*-----END \1-----/g) ?? [];
  const wanted = blocks.map((block) => block.replaceAll('\r', '')).filter((block) => isOf(file.kind, block));
  const all = file.kind === 'certificate' ? wanted : wanted.slice(0, 1);
  if (all.length > 0 && all.every((block) => canBeRead(file.kind, block)))
    return all.map((block) => `${block}\n`).join('');
  throw new AirgapError(
    'ERR_INPUT_INVALID',
    `Cannot use "${file.name}": ${words[file.kind]} in PEM form is not in it`,
    {
      hint: 'PEM begins with -----BEGIN; convert a file in DER form with openssl',
    },
  );
}

function isOf(kind: PemKind, block: string): boolean {
  const label = /^-----BEGIN ([A-Z0-9 ]+)-----/.exec(block)?.[1] ?? '';
  if (kind === 'certificate') return label === 'CERTIFICATE';
  if (kind === 'key') return label.endsWith('PRIVATE KEY');
  return label === 'CERTIFICATE' || label.endsWith('PUBLIC KEY');
}

function canBeRead(kind: PemKind, block: string): boolean {
  try {
    if (kind === 'certificate') new X509Certificate(block);
    else if (kind === 'key') createPrivateKey(block);
    else createPublicKey(block);
    return true;
  } catch {
    return false;
  }
}
