/** Signature rules as a user writes them. */
import type { VerificationRule } from '../../talos/node-config.ts';
import { type Flags, listFlag } from '../flags.ts';
import { usageError } from '../values.ts';
import type { PemReader } from './pem.ts';

/**
 * The narrower pattern first, as the first rule that matches counts: by the length of what stands before the first `*`, patterns
 * without one first. Throws ERR_USAGE, and ERR_INPUT_INVALID for a file without a public key.
 */
export async function verificationRules(flags: Flags, pem: PemReader): Promise<VerificationRule[]> {
  const keys = listFlag(flags, 'verifyPublicKey').map(async (text): Promise<VerificationRule> => {
    const [image, name] = divide('--verify-public-key', { text, form: 'PATTERN=FILE' });
    return { image, verifier: { kind: 'publicKey', certificate: await pem(name, 'verifier') } };
  });
  const keyless = listFlag(flags, 'verifyKeyless').map((text): VerificationRule => {
    const form = 'PATTERN=ISSUER,SUBJECT';
    const [image, identity] = divide('--verify-keyless', { text, form });
    const [, issuer, subject] = /^(https:\/\/[^,]+),(.+)$/.exec(identity) ?? [];
    if (issuer === undefined || subject === undefined) throw notOf('--verify-keyless', { text, form });
    return { image, verifier: { kind: 'keyless', issuer, ...subjectFields(subject) } };
  });
  const denied = listFlag(flags, 'verifyDeny').map(
    (text): VerificationRule => ({ image: checkPattern('--verify-deny', text), verifier: { kind: 'deny' } }),
  );
  return [...(await Promise.all(keys)), ...keyless, ...denied].sort((a, b) => breadth(a.image) - breadth(b.image));
}

function subjectFields(subject: string): { readonly subject: string } | { readonly subjectRegex: string } {
  return subject.startsWith('~') ? { subjectRegex: subject.slice(1) } : { subject };
}

function breadth(pattern: string): number {
  const star = pattern.indexOf('*');
  return star === -1 ? -1000 : -star;
}

interface Written {
  readonly text: string;
  readonly form: string;
}

function divide(option: string, written: Written): [pattern: string, rest: string] {
  const [, pattern, rest] = /^([^=]+)=(.+)$/s.exec(written.text) ?? [];
  if (pattern === undefined || rest === undefined) throw notOf(option, written);
  return [checkPattern(option, pattern), rest];
}

/** Talos matches registry and repository alone: a pattern with a tag or a digest, or without a registry, matches nothing. */
function checkPattern(option: string, pattern: string): string {
  const [, rest = ''] = /^[^/]*(\/.*)?$/s.exec(pattern) ?? [];
  const isWhole = pattern === '*' || pattern === '**' || pattern.includes('/');
  if (isWhole && !/[\s@]/.test(pattern) && !rest.includes(':')) return pattern;
  throw usageError(
    `Cannot read ${option} ${JSON.stringify(pattern)}: not REGISTRY/REPOSITORY, where * stands for anything`,
    'write it with its registry and without tag and digest, like registry.k8s.io/* or docker.io/library/*',
  );
}

function notOf(option: string, { text, form }: Written): Error {
  return usageError(`Cannot read ${option} ${JSON.stringify(text)}: not ${form}`);
}
