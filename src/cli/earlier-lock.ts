/** What an earlier run left in the lock, and what this run does with it. */
import type { Lock } from '../lock/lock.ts';
import type { MirrorRule } from '../mirror/rule.ts';
import { formatRepository } from '../oci/reference.ts';
import { type AskedImage, printRetag } from '../oci/retag.ts';
import { sameRule } from './lock-file.ts';
import { nearName } from './next-text.ts';
import { counted } from './report/text.ts';
import type { Session } from './session.ts';

/** The earlier lock where it is of use; says what becomes of it where that may surprise. */
export function usableLock(
  earlier: Lock | undefined,
  run: { readonly rule: MirrorRule; readonly asked: readonly AskedImage[]; readonly write: boolean },
  { settings, reporter }: Session,
): Lock | undefined {
  if (earlier === undefined) return undefined;
  const name = nearName(settings.cwd, settings.lockFile);
  const isOfThisTarget = sameRule(earlier.rule, run.rule);
  const message = isOfThisTarget
    ? leftOut(earlier, { name, asked: run.asked })
    : `${name} was written for another target or naming: it is not used${run.write ? ', and is replaced at the end' : ''}`;
  if (message !== undefined) reporter.event({ type: 'notice', message });
  return isOfThisTarget ? earlier : undefined;
}

/** A lock describes the images of one command: those that an earlier command added are not in the next one. */
function leftOut(
  earlier: Lock,
  about: { readonly name: string; readonly asked: readonly AskedImage[] },
): string | undefined {
  const keyOf = ({ reference, retag }: AskedImage): string =>
    `${formatRepository(reference)} ${reference.tag ?? reference.digest} ${retag === undefined ? '' : printRetag(retag)}`;
  const { name } = about;
  const asked = new Set(about.asked.map(keyOf));
  const left = earlier.images.filter(({ source, retag }) => !asked.has(keyOf({ reference: source, retag })));
  if (left.length === 0) return undefined;
  const [are, they, them] = left.length === 1 ? ['is', 'it stays', 'it'] : ['are', 'they stay', 'them'];
  return `${counted(left.length, 'image')} of ${name} ${are} not asked for now: ${they} at the target, and the new lock does not name ${them}; give both lists in one command to keep ${them} in it`;
}
