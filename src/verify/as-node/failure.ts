/** Why something was not found, and what to do about it. */
import type { NodePull } from '../../node/pull.ts';
import { mirrorAgain } from '../repair.ts';
import type { Looked } from './asker.ts';
import type { Asked, PullFailure } from './verdict.ts';

export interface FailureContext {
  /** For the command that repairs: the image as it was asked for, printed, and what `--to` says. */
  readonly asked: string;
  readonly repairTarget: string;
  /** Its repository at the target, where it is known. */
  readonly repository: string | undefined;
}

/** Undefined where it was answered. */
export function failureOf(
  { outcome, trail }: Looked,
  pull: NodePull,
  context: FailureContext,
): PullFailure | undefined {
  const what = `${trail.purpose} ${trail.what}`;
  switch (outcome.kind) {
    case 'answered':
      return undefined;
    case 'absent':
      return {
        verdict: 'not-found',
        what,
        url: outcome.last.url,
        answered: saidOf(outcome.last),
        todo: absentTodo(pull, { context, last: outcome.last }),
      };
    case 'leaves':
      return {
        verdict: 'leaves-site',
        host: outcome.host,
        what,
        ...urlOf(outcome.last),
        answered: leavingText(pull, outcome),
        todo: leavingTodo(pull, { context, last: outcome.last }),
      };
    case 'refused':
      return {
        verdict: 'cannot-pull',
        what,
        url: outcome.refused.url,
        answered: saidOf(outcome.refused),
        todo: refusedTodo(outcome.refused),
      };
    case 'problem':
      return {
        verdict: 'cannot-pull',
        what,
        answered:
          outcome.endpoint === undefined ? outcome.problem : `endpoint "${outcome.endpoint}": ${outcome.problem}`,
        todo:
          outcome.endpoint === undefined
            ? `give the mirror of "${pull.matched ?? '*'}" an endpoint`
            : `correct the endpoint "${outcome.endpoint}" in the configuration`,
      };
  }
}

/** The command that puts an image where nodes look. */
export function repairOf({ asked, repairTarget }: FailureContext): string {
  return mirrorAgain(asked, repairTarget);
}

/** What came back, in one line. */
export function saidOf(asked: Asked): string {
  return asked.said ?? `answered ${asked.status ?? 'nothing'}`;
}

function urlOf(asked: Asked | undefined): { readonly url?: string } {
  return asked === undefined ? {} : { url: asked.url };
}

function leavingText(
  pull: NodePull,
  { host, last }: { readonly host: string; readonly last: Asked | undefined },
): string {
  if (last === undefined) return askedFirst(pull);
  return last.sentTo?.host === host ? saidOf(last) : `${saidOf(last)}; ${host} is next`;
}

function askedFirst(pull: NodePull): string {
  if (pull.passedOver !== undefined) return pull.passedOver;
  return pull.matched === undefined
    ? `no mirror serves "${pull.image.registry}"`
    : `the mirror of "${pull.matched}" has no endpoint on site`;
}

function leavingTodo(
  pull: NodePull,
  { context, last }: { readonly context: FailureContext; readonly last: Asked | undefined },
): string {
  if (pull.passedOver !== undefined) return 'correct that in the configuration';
  if (pull.matched === undefined) return `give the nodes a mirror of "${pull.image.registry}" or of "*" (airgap emit)`;
  if (last === undefined) return `give the mirror of "${pull.matched}" an endpoint on site`;
  return last.status === 404 ? absentTodo(pull, { context, last }) : refusedTodo(last);
}

/** What stands elsewhere at the target is not mirrored again: the way there is wrong. */
function absentTodo(
  pull: NodePull,
  { context, last }: { readonly context: FailureContext; readonly last: Asked },
): string {
  const { repository } = context;
  if (repository === undefined || new URL(last.url).pathname.startsWith(`/v2/${repository}/`)) return repairOf(context);
  return `it was mirrored to "${repository}": correct the endpoint of the mirror of "${pull.matched ?? pull.image.registry}" (airgap emit writes it)`;
}

/** By what an endpoint said, in the words of the transport: TLS failures name their code. */
function refusedTodo({ status, said = '', url, sentTo }: Asked): string {
  const host = URL.canParse(url) ? new URL(url).host : url;
  if (sentTo?.why === 'redirect')
    return `let ${host} serve content itself (docker-registry: storage.redirect.disable), or redirect to a private address`;
  if (sentTo !== undefined) return `let ${host} name a token service on site`;
  if (/ over plain HTTP$/.test(said))
    return `let ${host} name a token service with https://: nodes send it credentials`;
  if (status === 401 || status === 403)
    return `give the nodes credentials that "${host}" accepts: RegistryAuthConfig, or machine.registries.config`;
  if (status === 400 && url.startsWith('http:'))
    return `write the endpoint of ${host} with https:// where it serves TLS, else look at its log`;
  if (status === 429) return `let ${host} answer more often: all nodes ask it at once`;
  if (status !== undefined || /was cut|malformed/.test(said)) return `look at the log of ${host}`;
  if (/does not speak TLS/.test(said)) return `write the endpoint of ${host} with http://, or let it serve TLS`;
  if (/CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|ALERT_BAD_CERTIFICATE/.test(said))
    return `give the nodes a client identity for "${host}": RegistryTLSConfig, or machine.registries.config`;
  if (/SELF_SIGNED|UNABLE_TO|ISSUER|UNTRUSTED/.test(said))
    return `give the nodes the authority of "${host}": RegistryTLSConfig, or machine.registries.config`;
  if (/ALTNAME|HOSTNAME/.test(said)) return `write the endpoint by a name that the certificate of ${host} has`;
  if (/EXPIRED/.test(said))
    return `renew the certificate of ${host}, or the authority the nodes have for it, and look at its clock`;
  if (/NOT_YET_VALID|REVOKED/.test(said)) return `renew the certificate of ${host}, and look at its clock`;
  return `start ${host}, or correct the endpoint in the configuration`;
}
