/** One image pulled as one of a node's pullers would, without keeping anything. */
import type { NodePull, PullStep } from '../../node/pull.ts';
import { type Platform, platformMatches, printPlatform } from '../../oci/platform.ts';
import { printReference } from '../../oci/reference.ts';
import { ContentCheck } from './content-check.ts';
import { differing, type Found, joined, type Pulling } from './found.ts';
import { resolveName } from './resolve-name.ts';
import type { PullAccount, PullFailure, StepAccount } from './verdict.ts';

/** Everything a pull of this image asks for, and what came of it. Throws only when interrupted. */
export async function checkPull(pulling: Pulling): Promise<PullAccount> {
  const { image } = pulling.pull;
  const resolved = await resolveName(pulling, image.digest ?? image.tag ?? 'latest', 'manifest');
  const { root, found, looked } = resolved;
  if (root === undefined) return account(pulling.pull, { found });
  const { digest } = pulling.expected;
  if (digest !== undefined && root.digest !== digest) {
    const failure = differing(looked, `it stands for ${root.digest}, and should for ${digest}`, pulling);
    return account(pulling.pull, { found: { ...found, failures: [failure] }, digest: root.digest });
  }
  const all = joined([found, await new ContentCheck(pulling).content(root)]);
  const failures = [...all.failures, ...lacking(all, pulling.expected.platforms)];
  return account(pulling.pull, { found: { ...all, failures }, digest: root.digest });
}

/** One failure for each wanted platform that nothing is for; where something failed before, that is the reason. */
function lacking({ platforms, offered, failures }: Found, wanted: readonly Platform[]): PullFailure[] {
  if (failures.length > 0) return [];
  const there = [...new Set(offered.map(printPlatform))].sort().join(', ');
  return wanted
    .filter((platform) => !platforms.some((one) => platformMatches(platform, one)))
    .map((platform) => ({
      verdict: 'wrong-platform',
      what: `platform ${printPlatform(platform)}`,
      answered: `nothing in it is for ${printPlatform(platform)}${there === '' ? '' : `, only for ${there}`}`,
      todo: `mirror an image that runs on ${printPlatform(platform)}, or do not ask for it with --platform`,
    }));
}

function account(
  pull: NodePull,
  { found, digest }: { readonly found: Found; readonly digest?: PullAccount['digest'] },
): PullAccount {
  const blobs = [...new Map(found.blobs.map((blob) => [blob.digest, blob])).values()];
  return {
    image: printReference(pull.image),
    puller: pull.puller,
    ...(pull.matched !== undefined && { matched: pull.matched }),
    reasons: pull.reasons,
    steps: pull.steps.map(stepAccount),
    trails: found.trails,
    ...(digest !== undefined && { digest }),
    platforms: [...new Set(found.platforms.map(printPlatform))].sort(),
    blobs: blobs.length,
    bytes: blobs.reduce((sum, { size }) => sum + size, 0),
    failures: found.failures,
  };
}

function stepAccount({ endpoint, base, host, isUpstream, ns, tls, auth, problem }: PullStep): StepAccount {
  const settings = [
    ...(tls?.ca === undefined ? [] : ['own authority']),
    ...(tls?.clientCertificate === undefined ? [] : ['client certificate']),
    ...(tls?.insecureSkipVerify === true ? ['certificate not verified'] : []),
  ];
  const credential =
    auth === undefined ? undefined : 'identityToken' in auth ? 'identity token' : 'user name and password';
  return {
    endpoint,
    base,
    host,
    isUpstream,
    ...(ns !== undefined && { ns }),
    tls: settings,
    ...(credential !== undefined && { auth: credential }),
    ...(problem !== undefined && { problem }),
  };
}
