/** Bundles as ends: keys are read, places are told apart, and the two sides opened. */
import { createPublicKey } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { AirgapError } from '../../errors.ts';
import type { Lock } from '../../lock/lock.ts';
import { parseLock } from '../../lock/parse.ts';
import type {
  BundlePlace,
  BundleReadOptions,
  BundleSource,
  BundleWriteOptions,
  BundleWriter,
} from '../../store/bundle/bundle.ts';
import { openBundle } from '../../store/bundle/reader.ts';
import { entryNames } from '../../store/bundle/set.ts';
import { checkSignature, signerFrom } from '../../store/bundle/signature.ts';
import { openBundleWriter } from '../../store/bundle/writer.ts';
import type { BundleLocation } from '../../store/location.ts';
import { readInputFile } from '../files.ts';
import type { Settings } from '../settings.ts';

/** Opens a bundle for reading; with `staging`, parts of large blobs wait there for their other volumes. Throws ERR_INPUT_INVALID for whatever cannot be trusted. */
export async function openBundleSource(
  location: BundleLocation,
  options: { readonly settings: Settings; readonly staging?: string },
): Promise<BundleSource> {
  const { settings, staging } = options;
  return openWithKey(resolve(settings.cwd, location.path), settings.bundle.verifyKeyFile, { staging });
}

/** Opens a bundle that has to be signed with the other half of the key in a file, where one is named. Throws as openBundle(), and ERR_INPUT_INVALID for a file that cannot be read. */
export async function openWithKey(
  path: string,
  verifyKeyFile: string | undefined,
  options: Omit<BundleReadOptions, 'verifyKey' | 'verifyKeyName'>,
): Promise<BundleSource> {
  const verifyKey = verifyKeyFile === undefined ? undefined : await readPem(verifyKeyFile);
  return openBundle(path, { ...options, verifyKey, verifyKeyName: verifyKeyFile });
}

/** The lock a bundle carries; undefined for an archive without one. Throws ERR_LOCK_INVALID, and ERR_INPUT_INVALID where its bytes are not those of the set. */
export async function lockInside(bundle: BundleSource): Promise<Lock | undefined> {
  const bytes = await bundle.file(entryNames.lock);
  if (bytes === undefined) return undefined;
  return parseLock(Buffer.from(bytes).toString('utf8'), `${entryNames.lock} in ${bundle.place}`);
}

/** Opens a bundle for writing; without `write` nothing is made or locked. The key is tried before anything is fetched. */
export async function openBundleTarget(
  location: BundleLocation,
  { settings, write }: { readonly settings: Settings; readonly write: boolean },
): Promise<BundleWriter> {
  const { signKeyFile, volumeSize, onlyVolume } = settings.bundle;
  const signing = signKeyFile === undefined ? {} : signingWith(await readPem(signKeyFile), signKeyFile);
  return openBundleWriter(await placeOf(location, settings.cwd), {
    volumeSize,
    onlyVolume,
    dryRun: !write,
    ...signing,
  });
}

/** A finished bundle that another key has signed is signed anew. */
function signingWith(pem: string, shown: string): Pick<BundleWriteOptions, 'sign' | 'isSignature'> {
  const sign = signerFrom(pem, shown);
  const publicKeyPem = createPublicKey(pem).export({ type: 'spki', format: 'pem' }).toString();
  return {
    sign,
    isSignature: (bytes, signature) => checkSignature({ publicKeyPem, shown, bytes, signature }),
  };
}

async function placeOf(location: BundleLocation, cwd: string): Promise<BundlePlace> {
  const path = resolve(cwd, location.path);
  if (location.isDirectory) return { kind: 'volumes', directory: path };
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() !== true) return { kind: 'file', file: path };
  throw new AirgapError('ERR_USAGE', `Cannot write bundle "${location.path}": it is a directory`, {
    hint: `write --to bundle:${location.path}/ with --volume-size for volumes, or name a file in it`,
  });
}

async function readPem(file: string): Promise<string> {
  return Buffer.from(await readInputFile(file, file)).toString('utf8');
}
