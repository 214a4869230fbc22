/** `airgap egress`: what the firewall must open for a job, in its own language, looked up and checked. */
import type { Invocation } from '../define/wiring.ts';
import { egressSettings } from '../egress/settings.ts';
import { exitCodes } from '../exit.ts';

export async function egress({ flags, context }: Invocation): Promise<number> {
  egressSettings(flags, context);
  return exitCodes.ok;
}
