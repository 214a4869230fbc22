/** What an image's name stands for, as containerd finds out. */
import { manifestUrlAt } from '../../node/node-pull.ts';
import type { PullStep } from '../../node/pull.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import { digestOf, isDigest } from '../../oci/digest.ts';
import { mediaTypes } from '../../oci/media-type.ts';
import { quoteText } from '../../oci/quote.ts';
import type { Looked, Question } from './asker.ts';
import { type Found, failed, nothing, type Pulling, unusable } from './found.ts';
import type { LookedFor } from './verdict.ts';

/** As NewResolver() writes it (containerd, core/remotes/docker/resolver.go). */
const resolveAccept = [
  mediaTypes.dockerManifest,
  mediaTypes.dockerList,
  mediaTypes.ociManifest,
  mediaTypes.ociIndex,
  '*/*',
].join(', ');

export interface Resolved {
  readonly found: Found;
  /** Undefined where nothing was found. */
  readonly root?: Descriptor;
  /** How it was looked for, for what is said about the root. */
  readonly looked: Looked;
}

/**
 * HEAD, step by step, and a GET of the same step where the answer lacks its digest or length; an error of that GET ends it
 * (containerd, core/remotes/docker/resolver.go, Resolve()).
 */
export async function resolveName(pulling: Pulling, tagOrDigest: string, purpose: LookedFor): Promise<Resolved> {
  const { pull, asker } = pulling;
  const question: Question = {
    method: 'HEAD',
    url: (step) => manifestUrlAt(step, pull.image.repository, tagOrDigest),
    accept: resolveAccept,
    action: `find manifest "${tagOrDigest}"`,
  };
  const looked = await asker.look(pull, question, { purpose, what: tagOrDigest });
  const { outcome, trail } = looked;
  if (outcome.kind !== 'answered') return { found: failed(looked, pulling), looked };
  const { digest: said, size, mediaType = '' } = outcome.reply.asked;
  const digest = isDigest(tagOrDigest) ? tagOrDigest : said;
  if (digest === undefined || size === undefined) return await byGet(pulling, { question, looked, step: outcome.step });
  const found = { ...nothing, trails: [trail] };
  if (isDigest(digest)) return { found, root: { mediaType, digest, size }, looked };
  const failure = unusable(looked, `the digest in its header is none: ${quoteText(digest)}`);
  return { found: { ...found, failures: [failure] }, looked };
}

async function byGet(
  pulling: Pulling,
  by: { readonly question: Question; readonly looked: Looked; readonly step: PullStep },
): Promise<Resolved> {
  const reply = await pulling.asker.ask(pulling.pull, by.step, { ...by.question, method: 'GET', body: 'keep' });
  const trail = { ...by.looked.trail, asked: [...by.looked.trail.asked, reply.asked] };
  if (reply.bytes === undefined) {
    const looked: Looked = { trail, outcome: { kind: 'refused', refused: reply.asked } };
    return { found: failed(looked, pulling), looked };
  }
  const { what } = trail;
  const digest = isDigest(what) ? what : digestOf(reply.bytes);
  const root = { mediaType: reply.asked.mediaType ?? '', digest, size: reply.bytes.length };
  return { found: { ...nothing, trails: [trail] }, root, looked: { trail, outcome: by.looked.outcome } };
}
