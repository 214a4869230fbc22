/** The configuration of the node that is asked for: a given one, the one beside the lock, or the one that would be written. */
import { basename, resolve } from 'node:path';
import { emitTalosConfig } from '../../emit/talos-config.ts';
import { type ConfigText, readNodeConfig } from '../../node/read-config.ts';
import type { EndpointAuth, NodeConfig } from '../../talos/node-config.ts';
import type { TalosVersion } from '../../talos/version.ts';
import { readInputFile, readWhereThere } from '../files.ts';
import { givenCredentials } from '../passwords.ts';
import type { Session } from '../session.ts';
import { usageError } from '../values.ts';
import type { AskedImages } from './asked-images.ts';

export interface Configuration {
  readonly config: NodeConfig;
  readonly from: 'given' | 'beside-lock' | 'emitted';
  /** Base first, then patches; empty where it was made here. */
  readonly files: readonly string[];
}

/** Throws ERR_INPUT_INVALID for one that Talos would refuse, and ERR_USAGE when nothing tells where nodes ask. */
export async function configurationFor(
  session: Session,
  wanted: {
    readonly files: readonly string[];
    /** Written with the one beside the lock, and laid over it where it is there. */
    readonly secrets: string | undefined;
    readonly version: TalosVersion;
    readonly asked: AskedImages;
  },
): Promise<Configuration> {
  const { settings, reporter } = session;
  const { version, asked } = wanted;
  noteTrusted(session);
  if (wanted.files.length > 0) {
    noteUnused(session);
    const texts = await Promise.all(
      wanted.files.map(async (name): Promise<ConfigText> => {
        const bytes = await readInputFile(resolve(settings.cwd, name), name);
        return { name, text: Buffer.from(bytes).toString('utf8') };
      }),
    );
    return { config: readNodeConfig(texts, { version }), from: 'given', files: wanted.files };
  }
  const patch = asked.patchFile;
  const text = patch === undefined ? undefined : await readWhereThere(patch);
  if (patch !== undefined && text !== undefined) {
    noteUnused(session);
    const secrets =
      wanted.secrets === undefined ? undefined : await readWhereThere(resolve(settings.cwd, wanted.secrets));
    const texts = [
      { name: basename(patch), text },
      ...(secrets === undefined ? [] : [{ name: basename(wanted.secrets ?? ''), text: secrets }]),
    ];
    return { config: readNodeConfig(texts, { version }), from: 'beside-lock', files: texts.map(({ name }) => name) };
  }
  const emitted = emitTalosConfig({
    mirrors: knownMirrors(asked),
    registries: asked.images.map(({ image }) => image.registry),
    version,
    authority: await authorityOf(session),
    settings: { auth: await credentialsOf(session, asked) },
  });
  for (const message of emitted.warnings) reporter.event({ type: 'notice', message, isWarning: true });
  const texts = [...emitted.files, ...emitted.secrets].map(({ path, text: own }) => ({ name: path, text: own }));
  return { config: readNodeConfig(texts, { version }), from: 'emitted', files: [] };
}

function knownMirrors({ mirrors }: AskedImages): AskedImages['mirrors'] {
  if (mirrors.length > 0) return mirrors;
  throw usageError(
    'Cannot ask as a node would: nothing says where nodes look',
    'give the configuration of the nodes with --config, or the address they use with --to',
  );
}

/** What is told to this program and not to the nodes. */
function noteUnused({ settings, reporter }: Session): void {
  const { target } = settings;
  const unused = [
    ...(target.caFiles.length > 0 ? ['--ca and --to-ca'] : []),
    ...(target.user === undefined ? [] : ['--to-user']),
    ...(settings.insecureSkipVerify ? ['--insecure-skip-verify'] : []),
    ...(settings.clientCertFile === undefined ? [] : ['--client-cert']),
  ];
  if (unused.length === 0) return;
  const message = `${unused.join(', ')}: not used, as a node knows only what stands in its configuration`;
  reporter.event({ type: 'notice', message });
}

/** Node.js trusts these by itself: a certificate that only they vouch for is none to a node. */
function noteTrusted({ settings, reporter }: Session): void {
  if ((settings.environment.NODE_EXTRA_CA_CERTS ?? '') === '') return;
  const message = 'NODE_EXTRA_CA_CERTS is set: its authorities are trusted here, and not by the nodes';
  reporter.event({ type: 'notice', message, isWarning: true });
}

async function authorityOf({ settings }: Session): Promise<string | undefined> {
  const texts = await Promise.all(
    settings.target.caFiles.map(async (file) => Buffer.from(await readInputFile(file, file)).toString('utf8')),
  );
  return texts.length === 0 ? undefined : texts.join('\n');
}

async function credentialsOf(
  { settings, context, signal }: Session,
  { mirrors }: AskedImages,
): Promise<ReadonlyMap<string, EndpointAuth>> {
  const hosts = mirrors.map(({ endpoint }) => endpoint.replace(/^https?:\/\//i, ''));
  return await givenCredentials(settings.target, { end: 'to', hosts }, { stdin: context.stdin, signal });
}
