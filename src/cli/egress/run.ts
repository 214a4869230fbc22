/** What every action of `airgap egress` works on. */
import type { EgressList } from '../../egress/destination.ts';
import { exitCodes } from '../exit.ts';
import type { Session } from '../session.ts';
import type { EgressSettings } from './settings.ts';

/** The list of the job at hand, and what was asked about it. */
export interface EgressRun {
  readonly session: Session;
  readonly egress: EgressSettings;
  readonly list: EgressList;
  /** Something was contacted, and nothing says why. */
  readonly hasFindings: boolean;
}

/** The exit status, where nothing weighs more than findings. */
export function withFindings({ hasFindings }: EgressRun, status: number): number {
  return status === exitCodes.ok && hasFindings ? exitCodes.mismatch : status;
}
