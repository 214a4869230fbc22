/** Waiting for time to pass, ended at once by an abort. */
import { onAbort } from './on-abort.ts';

const longestTimer = 2_147_483_647;

/** Resolves after `ms` milliseconds (at most 24 days). Rejects with the signal's reason when it is or gets aborted. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const stopListening = onAbort(signal, () => {
      clearTimeout(timer);
      reject(signal?.reason);
    });
    const timer = setTimeout(
      () => {
        stopListening();
        resolve();
      },
      Math.min(Math.max(ms, 0), longestTimer),
    );
  });
}

/** Waits for `work`, or rejects with the signal's reason when that comes first. The work itself goes on. */
export function abortable<T>(work: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const stopListening = onAbort(signal, () => reject(signal.reason));
    work.then(
      (value) => {
        stopListening();
        resolve(value);
      },
      (error) => {
        stopListening();
        reject(error);
      },
    );
  });
}
