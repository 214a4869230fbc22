import { execFile } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkSignature, signerFrom } from '../../../src/store/bundle/signature.ts';

const message = Buffer.from('what is signed');
const privateOf = (key: KeyObject, type: 'pkcs8' | 'sec1' = 'pkcs8') => key.export({ type, format: 'pem' }).toString();
const publicOf = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }).toString();
const ed25519 = generateKeyPairSync('ed25519');
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'airgap-keys-'));
});
afterAll(() => rm(directory, { recursive: true }));

function check(publicKeyPem: string, signature: Uint8Array, bytes: Uint8Array = message): boolean {
  return checkSignature({ publicKeyPem, shown: 'site.pub', bytes, signature });
}

async function openssl(...args: readonly string[]): Promise<string> {
  return (await promisify(execFile)('openssl', args, { cwd: directory })).stdout;
}

describe('signatures', () => {
  it.each([
    ['Ed25519', privateOf(ed25519.privateKey), publicOf(ed25519.publicKey)],
    ['P-256', privateOf(p256.privateKey), publicOf(p256.publicKey)],
    ['P-256 as SEC1', privateOf(p256.privateKey, 'sec1'), publicOf(p256.publicKey)],
  ])('hold for the bytes, the key and nothing else: %s', (_, privatePem, publicPem) => {
    const signature = signerFrom(privatePem, 'site.key')(message);
    expect(signature.length).toBeLessThanOrEqual(512);
    expect(check(publicPem, signature)).toBe(true);
    expect(check(publicPem, signature, Buffer.from('what is Signed'))).toBe(false);
    expect(check(publicOf(generateKeyPairSync('ed25519').publicKey), signature)).toBe(false);
    for (const wrong of [
      Buffer.alloc(0),
      Buffer.alloc(64),
      signature.subarray(1),
      Buffer.concat([signature, signature]),
    ]) {
      expect(check(publicPem, wrong)).toBe(false);
    }
  });

  it('are what openssl checks, and openssl makes what we check', async () => {
    await writeFile(join(directory, 'm'), message);
    const modes = [
      ['ed', ['genpkey', '-algorithm', 'ed25519', '-out', 'ed.key']],
      ['ec', ['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', 'ec.key']],
    ] as const;
    for (const [name, make] of modes) {
      await openssl(...make);
      await openssl('pkey', '-in', `${name}.key`, '-pubout', '-out', `${name}.pub`);
      const pem = await openssl('pkey', '-in', `${name}.key`);
      await writeFile(join(directory, 's'), signerFrom(pem, 'k')(message));
      const verified =
        name === 'ed'
          ? await openssl('pkeyutl', '-verify', '-rawin', '-in', 'm', '-sigfile', 's', '-pubin', '-inkey', 'ed.pub')
          : await openssl('dgst', '-sha256', '-verify', 'ec.pub', '-signature', 's', 'm');
      expect(verified).toMatch(/Verified/i);
      if (name === 'ed') await openssl('pkeyutl', '-sign', '-rawin', '-in', 'm', '-out', 't', '-inkey', 'ed.key');
      else await openssl('dgst', '-sha256', '-sign', 'ec.key', '-out', 't', 'm');
      const theirs = await readFile(join(directory, 't'));
      expect(check(await openssl('pkey', '-in', `${name}.key`, '-pubout'), theirs)).toBe(true);
    }
  });

  const encrypted = ed25519.privateKey
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' })
    .toString();
  const legacy = p256.privateKey
    .export({ type: 'sec1', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' })
    .toString();

  it.each([
    ['encrypted', encrypted, /"site.key": it is encrypted/],
    ['encrypted the old way', legacy, /it is encrypted/],
    ['a public key', publicOf(ed25519.publicKey), /it is no private key in PEM/],
    ['nothing', '', /it is no private key in PEM/],
    ['damaged', privateOf(ed25519.privateKey).replace(/\n./, '\n!'), /it is damaged/],
    ['RSA', privateOf(rsa.privateKey), /a key of kind rsa is not supported/],
    ['another curve', privateOf(p384.privateKey), /a key of kind EC on secp384r1 is not supported/],
  ])('are not made with a key that is %s, and nothing of the key is told', (_, pem, state) => {
    const failure = failureOf(() => signerFrom(pem, 'site.key'));
    expect(failure).toMatchObject({ code: 'ERR_INPUT_INVALID', message: expect.stringMatching(state) });
    const told = `${failure} ${JSON.stringify(failure)} ${(failure as Error).stack} ${(failure as Error).cause}`;
    const lines = pem.split('\n').filter((line) => line !== '' && !line.startsWith('-----'));
    for (const line of lines) expect(told).not.toContain(line);
  });

  it.each([
    ['a private key', privateOf(ed25519.privateKey), /"site.pub": it is a private key/],
    ['both halves', privateOf(ed25519.privateKey) + publicOf(ed25519.publicKey), /it is a private key/],
    ['encrypted', encrypted, /it is a private key/],
    ['nothing', 'x', /it is no public key in PEM/],
    ['damaged', publicOf(ed25519.publicKey).replace(/\n./, '\n!'), /it is damaged/],
    ['RSA', publicOf(rsa.publicKey), /a key of kind rsa is not supported/],
    ['another curve', publicOf(p384.publicKey), /EC on secp384r1/],
  ])('are not checked with a key that is %s', (_, pem, state) => {
    expect(failureOf(() => check(pem, Buffer.alloc(64)))).toMatchObject({
      code: 'ERR_INPUT_INVALID',
      message: expect.stringMatching(state),
    });
  });
});

function failureOf(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}
