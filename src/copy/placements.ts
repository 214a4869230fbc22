/** Where each blob has to be, and what became of it: images wait here for the placements they need. */
import type { AirgapError } from '../errors.ts';
import type { Digest } from '../oci/digest.ts';
import type { RepositoryName } from '../oci/reference.ts';
import type { Outcome } from './receipt.ts';
import { contentKey } from './survey.ts';
import type { BlobWork } from './work.ts';

interface Placement {
  readonly decided: Promise<Outcome>;
  readonly settle: (outcome: Outcome) => void;
  readonly fail: (error: AirgapError) => void;
  settled: boolean;
}

export class PlacementBoard {
  readonly #placements = new Map<string, Placement>();

  constructor(blobs: readonly BlobWork[]) {
    for (const { descriptor, present, missing } of blobs) {
      for (const repository of present) this.#add(repository, descriptor.digest).settle('present');
      for (const repository of missing) this.#add(repository, descriptor.digest);
    }
  }

  /** Resolves when the blob is in the repository, rejects when it will not be in this run. */
  async outcome(repository: RepositoryName, digest: Digest): Promise<Outcome> {
    const placement = this.#placements.get(contentKey(repository, digest));
    if (placement === undefined) throw new Error(`no placement is planned for ${contentKey(repository, digest)}`);
    return await placement.decided;
  }

  isSettled(repository: RepositoryName, digest: Digest): boolean {
    return this.#placements.get(contentKey(repository, digest))?.settled === true;
  }

  settle(repository: RepositoryName, digest: Digest, outcome: Outcome): void {
    this.#placements.get(contentKey(repository, digest))?.settle(outcome);
  }

  /** The first decision stands: failing what is settled changes nothing. */
  fail(repository: RepositoryName, digest: Digest, error: AirgapError): void {
    this.#placements.get(contentKey(repository, digest))?.fail(error);
  }

  #add(repository: RepositoryName, digest: Digest): Placement {
    let settle: (outcome: Outcome) => void = () => {};
    let fail: (error: AirgapError) => void = () => {};
    const decided = new Promise<Outcome>((resolve, reject) => {
      settle = resolve;
      fail = reject;
    });
    decided.catch(() => {});
    const placement: Placement = {
      decided,
      fail,
      settled: false,
      settle: (outcome) => {
        placement.settled = true;
        settle(outcome);
      },
    };
    this.#placements.set(contentKey(repository, digest), placement);
    return placement;
  }
}
