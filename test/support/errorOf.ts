import { AirgapError } from '../../src/errors.ts';

/** The refusal that `work` ends with. Anything else it throws goes on; that it throws nothing is an error. */
export function errorOf(work: () => unknown): AirgapError {
  try {
    work();
  } catch (error) {
    if (error instanceof AirgapError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
