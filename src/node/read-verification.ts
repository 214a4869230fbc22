/** The rules of ImageVerificationConfig. */
import type { Origin } from '../errors.ts';
import type { VerificationRule, Verifier } from '../talos/node-config.ts';
import type { ConfigDocument } from './documents.ts';
import { at, flagOf, listing, textOf } from './fields.ts';
import { type ConfigNode, invalid } from './tree.ts';

/**
 * In order. Throws ERR_INPUT_INVALID for a rule Talos refuses, in its words (siderolabs/talos v1.13.9,
 * pkg/machinery/config/types/security/image_verification.go).
 */
export function readVerification(
  documents: readonly ConfigDocument[],
  origins: Map<string, Origin>,
): VerificationRule[] {
  const root = documents.find(({ kind }) => kind === 'ImageVerificationConfig')?.root;
  return listing(at(root, 'rules'), 'rules').map((node, index) => {
    origins.set(`rule ${index}`, node.origin);
    const image = textOf(at(node, 'image'), 'image') ?? '';
    if (image === '') throw invalid(node.origin, `rule ${index}: imagePattern must be specified`);
    return { image, verifier: readVerifier(node, index) };
  });
}

function readVerifier(node: ConfigNode, index: number): Verifier {
  const refuse = (state: string) => invalid(node.origin, `rule ${index}: ${state}`);
  const skip = flagOf(at(node, 'skip'), 'skip') === true;
  const deny = flagOf(at(node, 'deny'), 'deny') === true;
  const keyless = at(node, 'keyless');
  const publicKey = at(node, 'publicKey');
  const verifiers = [keyless, publicKey].filter((verifier) => verifier !== undefined).length;
  if (skip && deny) throw refuse('skip and deny cannot both be true');
  if ((skip || deny) && verifiers > 0) throw refuse('verifiers cannot be configured if skip or deny is true');
  if (skip || deny) return { kind: skip ? 'skip' : 'deny' };
  if (verifiers === 0) throw refuse('at least one verifier must be configured');
  if (verifiers > 1) throw refuse('only one of keyless or publicKey verifier can be configured');
  return keyless === undefined ? readPublicKey(publicKey, refuse) : readKeyless(keyless, refuse);
}

type Refuse = (state: string) => Error;

function readPublicKey(node: ConfigNode | undefined, refuse: Refuse): Verifier {
  const certificate = textOf(at(node, 'certificate'), 'certificate') ?? '';
  if (certificate === '') throw refuse('verifier certificates must be specified');
  return { kind: 'publicKey', certificate };
}

function readKeyless(node: ConfigNode, refuse: Refuse): Verifier {
  const issuer = textOf(at(node, 'issuer'), 'issuer') ?? '';
  const subject = textOf(at(node, 'subject'), 'subject');
  const subjectRegex = textOf(at(node, 'subjectRegex'), 'subjectRegex');
  if (issuer === '') throw refuse('verifier OIDC issuer must be specified');
  if ((subject ?? '') === '' && (subjectRegex ?? '') === '')
    throw refuse('verifier subject or subjectRegex must be specified');
  return { kind: 'keyless', issuer, subject, subjectRegex };
}
