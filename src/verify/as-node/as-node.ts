/** Holds images against what a node of one release, with one configuration, would do for them. */
import { limitTo } from '../../async/limit.ts';
import type { EventSink } from '../../events.ts';
import { nodePull, pullersOf } from '../../node/node-pull.ts';
import { hostsNeededBy, verificationRuleFor } from '../../node/verification.ts';
import type { Digest } from '../../oci/digest.ts';
import type { Platform } from '../../oci/platform.ts';
import type { NodeConfig, VerificationRule } from '../../talos/node-config.ts';
import { isSinceMinor, printTalosVersion, type TalosVersion } from '../../talos/version.ts';
import { Asker } from './asker.ts';
import type { NodeImage } from './expected.ts';
import type { PullExpectation } from './found.ts';
import { checkPull } from './pull-check.ts';
import { checkSignatures, type SignaturesWanted } from './signatures.ts';
import { siteOf } from './site.ts';
import type { NodeTransport } from './transport.ts';
import type { ImageVerdict, NodeVerification, PullAccount, PullFailure, SignatureAccount } from './verdict.ts';

/** Images under way at once; how much is asked at once is bounded apart. */
const imagesAtOnce = 8;

export interface AsNodeOptions {
  readonly config: NodeConfig;
  readonly version: TalosVersion;
  readonly transport: NodeTransport;
  /** Hosts that are on site, beside the endpoints of mirrors: `host[:port]`. */
  readonly siteHosts?: readonly string[];
  /** Platforms that have to be there. Default: those of each image. */
  readonly platforms?: readonly Platform[];
  /** Read and hash every blob. Default false: ask for its size. */
  readonly deep?: boolean;
  /** What `--to` says, for the commands that repair. */
  readonly repairTarget: string;
  /** Requests under way at once. Default 16. */
  readonly concurrency?: number;
  readonly signal?: AbortSignal | undefined;
  readonly events?: EventSink | undefined;
}

/**
 * Asks for every image exactly what each of the node's pullers would ask, and never a host that is not on site. Throws only
 * when `signal` ends it.
 */
export async function verifyAsNode(images: readonly NodeImage[], options: AsNodeOptions): Promise<NodeVerification> {
  const { config, siteHosts = [], version, transport, concurrency, signal, events } = options;
  const asker = new Asker({ transport, isOnSite: siteOf(config, siteHosts), concurrency, signal });
  const slots = limitTo(imagesAtOnce);
  let done = 0;
  const check = async (image: NodeImage): Promise<ImageVerdict> => {
    const verdict = await checkImage(image, { options, asker });
    done += 1;
    events?.({ type: 'verify:progress', done, total: images.length });
    return verdict;
  };
  const verdicts = await Promise.all(images.map((image) => slots(() => check(image))));
  return {
    version: printTalosVersion(version),
    images: verdicts.sort((a, b) => (a.image < b.image ? -1 : 1)),
    deep: options.deep ?? false,
    requests: asker.requests,
  };
}

interface Known {
  readonly options: AsNodeOptions;
  readonly asker: Asker;
}

async function checkImage(image: NodeImage, known: Known): Promise<ImageVerdict> {
  const { config, version } = known.options;
  const expected = expectationOf(image, known.options);
  const pulls: PullAccount[] = [];
  for (const puller of pullersOf(image.image, config)) {
    const pull = nodePull(config, image.image, { version, puller });
    pulls.push(await checkPull({ pull, asker: known.asker, expected }));
  }
  const rule = ruleOf(image, known.options);
  const ruled = ruleFailure(rule);
  const signatures = ruled === undefined ? await signaturesOf(image, { known, expected, pulls, rule }) : undefined;
  const failures = onceEach([
    ...(ruled === undefined ? [] : [ruled]),
    ...pulls.flatMap((pull) => pull.failures),
    ...(signatures?.failure === undefined ? [] : [signatures.failure]),
  ]);
  const [first] = failures;
  return {
    image: image.asked,
    verdict: first?.verdict ?? 'found',
    ...(first?.host !== undefined && { host: first.host }),
    pulls,
    ...(signatures !== undefined && { signatures }),
    failures,
  };
}

function expectationOf({ asked, repository, digest, omitted }: NodeImage, options: AsNodeOptions): PullExpectation {
  const { platforms = [], deep = false, repairTarget } = options;
  return { asked, repository, repairTarget, digest, omitted, platforms, deep };
}

/** The rule that counts; releases before 1.13 have none. */
function ruleOf({ image }: NodeImage, { config, version }: AsNodeOptions): VerificationRule | undefined {
  return isSinceMinor(version, 13) ? verificationRuleFor(config, image) : undefined;
}

/** What a rule forbids, or cannot decide without the internet. */
function ruleFailure(rule: VerificationRule | undefined): PullFailure | undefined {
  if (rule === undefined) return undefined;
  const what = `rule "${rule.image}"`;
  if (rule.verifier.kind === 'deny') {
    const todo = 'take the rule away, or put one that allows the image before it';
    return { verdict: 'cannot-pull', what, answered: `it denies images of "${rule.image}"`, todo };
  }
  const [host] = hostsNeededBy(rule);
  if (host === undefined) return undefined;
  const answered = `a keyless rule needs the trusted root of ${host}, and lets no image through without it`;
  return { verdict: 'leaves-site', host, what, answered, todo: 'sign with an own key, and check by a publicKey rule' };
}

interface Pulled {
  readonly known: Known;
  readonly expected: PullExpectation;
  readonly pulls: readonly PullAccount[];
  readonly rule: VerificationRule | undefined;
}

/** Looked for where a rule asks for one, and where the lock says there is one: Talos' own resolver does it for both pullers. */
async function signaturesOf(
  image: NodeImage,
  { known, expected, pulls, rule }: Pulled,
): Promise<SignatureAccount | undefined> {
  const { config, version } = known.options;
  const digest: Digest | undefined = image.image.digest ?? pulls.find((pull) => pull.digest !== undefined)?.digest;
  if (digest === undefined || pulls.some(({ failures }) => failures.length > 0)) return undefined;
  const wanted = wantedBy(image, { pattern: rule?.verifier.kind === 'publicKey' ? rule.image : undefined, digest });
  if (wanted === undefined) return undefined;
  const pull = nodePull(config, image.image, { version, puller: 'talos' });
  return await checkSignatures({ pull, asker: known.asker, expected: { ...expected, platforms: [] } }, wanted);
}

function wantedBy(
  image: NodeImage,
  { pattern, digest }: { readonly pattern: string | undefined; readonly digest: Digest },
): SignaturesWanted | undefined {
  if (pattern !== undefined) return { digest, because: `rule "${pattern}"`, isDemanded: true };
  if (image.signatures === 'unknown') return undefined;
  return { digest, because: 'the lock has one', isDemanded: image.signatures === 'tagged' };
}

function onceEach(failures: readonly PullFailure[]): PullFailure[] {
  return [...new Map(failures.map((failure) => [JSON.stringify(failure), failure])).values()];
}
