/** One image as it should stand, held against what the target answers. */
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { contentNamedBy, isForeign, type ManifestDocument } from '../oci/manifest.ts';
import { formatRepository, type Reference, type RepositoryName, type Tag } from '../oci/reference.ts';
import { printAsked, type Retag } from '../oci/retag.ts';
import { quoteShell } from '../oci/shell.ts';
import { quoteTarget } from '../store/location.ts';
import { mirrorAgain } from './repair.ts';
import type { Finding, FindingKind } from './verification.ts';
import { type Fault, isFault, type Witness } from './witness.ts';

/** Manifests of one image that are followed before something is taken to be wrong. */
const manifestBound = 20_000;

/** What has to stand. */
export interface ExpectedImage {
  readonly source: Reference;
  /** The place it was asked for with, where the rule does not say it. */
  readonly retag?: Retag;
  /** The repository a node asks. */
  readonly place: RepositoryName;
  /** Without a digest the tag only has to be there, and what it stands for has to be complete. */
  readonly tags: readonly { readonly tag: Tag; readonly digest?: Digest }[];
  readonly manifests: readonly Digest[];
  /** Absent on purpose. */
  readonly omitted: ReadonlySet<Digest>;
}

export interface CheckOptions {
  readonly witness: Witness;
  /** What `--to` says, for the command that repairs. */
  readonly repairTarget: string;
}

/** Every finding about one image: its tags, every manifest they reach or the lock names, every blob. Throws only when interrupted. */
export async function checkImage(image: ExpectedImage, options: CheckOptions): Promise<Finding[]> {
  const check = new Check(image, options);
  const roots = await check.tags();
  if (roots === undefined) return check.findings;
  await Promise.all([...image.manifests, ...roots].map((digest) => check.manifest(digest)));
  return check.findings;
}

class Check {
  readonly findings: Finding[] = [];
  readonly #image: ExpectedImage;
  readonly #options: CheckOptions;
  readonly #visited = new Set<string>();

  constructor(image: ExpectedImage, options: CheckOptions) {
    this.#image = image;
    this.#options = options;
  }

  /** What tags without an expected digest stand for. Undefined when the target cannot be asked: one finding says so, not one for each part. */
  async tags(): Promise<Digest[] | undefined> {
    const { tags, place } = this.#image;
    const ask = async ({ tag, digest }: ExpectedImage['tags'][number]) => {
      return { tag, digest, answer: await this.#options.witness.tag(place, tag) };
    };
    const answers = await Promise.all(tags.map(ask));
    const silent = answers.find(({ answer }) => isFault(answer) && answer.fault === 'unreachable');
    if (silent !== undefined && isFault(silent.answer)) {
      const { message, hint } = silent.answer;
      this.#add('unreachable', { message: `tag "${silent.tag}": ${message}`, hint });
      return undefined;
    }
    const roots: Digest[] = [];
    for (const { tag, digest, answer } of answers) {
      if (isFault(answer)) this.#tagFault(tag, { digest, answer });
      else if (digest === undefined) roots.push(answer);
      else if (answer !== digest)
        this.#add('tag-differs', { message: `tag "${tag}" stands for ${answer}, and should for ${digest}`, digest });
    }
    return roots;
  }

  async manifest(digest: Digest, listed?: Descriptor): Promise<void> {
    if (this.#image.omitted.has(digest)) return;
    const { witness } = this.#options;
    if (listed === undefined && !this.#isNew(digest)) return;
    const answer = await witness.manifest(this.#image.place, digest);
    if (isFault(answer)) {
      if (listed === undefined || this.#isNew(digest)) this.#fault('manifest', { digest, answer });
      return;
    }
    const { size } = answer.descriptor;
    if (listed !== undefined && listed.size !== size && this.#isNew(`${digest} ${listed.size}`)) {
      this.#add('size-differs', {
        message: `manifest "${digest}" has ${size} bytes, and an index says ${listed.size}`,
        digest,
      });
    }
    if (listed === undefined || this.#isNew(digest)) await this.#parts(answer);
  }

  async #parts(document: ManifestDocument): Promise<void> {
    if (this.#visited.size > manifestBound) {
      const { digest } = document.descriptor;
      if (this.#isNew('bound'))
        this.#add('content-differs', { message: `manifest "${digest}" belongs to too many others`, digest });
      return;
    }
    const { manifests, blobs } = contentNamedBy(document.manifest);
    const isOmitted = ({ digest }: Descriptor): boolean =>
      document.manifest.kind === 'index' && this.#image.omitted.has(digest);
    const wanted = blobs.filter((blob) => !isForeign(blob) && !isOmitted(blob));
    await Promise.all([
      ...manifests.map((child) => this.manifest(child.digest, child)),
      ...wanted.map((blob) => this.#blob(blob)),
    ]);
  }

  async #blob(blob: Descriptor): Promise<void> {
    if (!this.#isNew(`${blob.digest} ${blob.size}`)) return;
    const answer = await this.#options.witness.blob(this.#image.place, blob);
    if (isFault(answer)) this.#fault('blob', { digest: blob.digest, answer });
  }

  #isNew(key: string): boolean {
    if (this.#visited.has(key)) return false;
    this.#visited.add(key);
    return true;
  }

  #tagFault(tag: Tag, { digest, answer }: { readonly digest: Digest | undefined; readonly answer: Fault }): void {
    const kind = answer.fault === 'missing' ? 'tag-missing' : answer.fault;
    this.#add(kind, { message: `tag "${tag}": ${answer.message}`, digest, hint: answer.hint });
  }

  #fault(what: 'manifest' | 'blob', { digest, answer }: { readonly digest: Digest; readonly answer: Fault }): void {
    const kind: FindingKind = answer.fault === 'missing' ? `${what}-missing` : answer.fault;
    const badBlob = what === 'blob' && kind === 'content-differs' ? digest : undefined;
    this.#add(kind, { message: `${what} "${digest}": ${answer.message}`, digest, hint: answer.hint, badBlob });
  }

  #add(
    kind: FindingKind,
    said: {
      readonly message: string;
      readonly digest?: Digest | undefined;
      readonly hint?: string | undefined;
      readonly badBlob?: Digest | undefined;
    },
  ): void {
    const { repairTarget } = this.#options;
    this.findings.push(findingAbout(this.#image, { kind, digest: undefined, ...said, repairTarget }));
  }
}

/** A finding with the command that repairs it. */
export function findingAbout(
  image: Pick<ExpectedImage, 'source' | 'retag' | 'place'>,
  what: {
    readonly kind: FindingKind;
    readonly message: string;
    readonly digest: Digest | undefined;
    readonly repairTarget: string;
    readonly hint?: string | undefined;
    /** Its bytes are not what its name says. */
    readonly badBlob?: Digest | undefined;
  },
): Finding {
  const source = printAsked({ reference: image.source, retag: image.retag });
  return {
    image: source,
    repository: formatRepository(image.place),
    kind: what.kind,
    ...(what.digest === undefined ? {} : { digest: what.digest }),
    message: what.message,
    ...(what.hint === undefined ? {} : { hint: what.hint }),
    repair: repairOf(source, what),
  };
}

/** A bundle is not mirrored into image by image. */
function repairOf(
  source: string,
  what: { readonly kind: FindingKind; readonly repairTarget: string; readonly badBlob?: Digest | undefined },
): string {
  const { kind, repairTarget, badBlob } = what;
  const place = quoteTarget(repairTarget);
  if (repairTarget.startsWith('bundle:')) return `airgap check ${place}`;
  if (kind === 'unreachable') return `airgap verify --to ${place}`;
  const again = mirrorAgain(source, repairTarget);
  if (badBlob === undefined) return again;
  // One layer holds everything.
  if (repairTarget.startsWith('image-cache-oci:')) return 'airgap mirror LOCK --to image-cache-oci:NEW-DIR';
  const file = fileOfBlob(repairTarget, badBlob);
  return file === undefined ? again : `rm ${file} && ${again}`;
}

/** The file of a blob in a directory, for a shell: one that has its size is not copied again while it is there. Undefined for a registry. */
function fileOfBlob(place: string, digest: Digest): string | undefined {
  const [, scheme, directory] = /^(oci|image-cache):(.+)$/.exec(place) ?? [];
  if (directory === undefined) return undefined;
  const name = scheme === 'oci' ? `blobs/${digest.replace(':', '/')}` : `blob/${digest.replace(':', '-')}`;
  return quoteShell(`${directory.replace(/\/+$/, '')}/${name}`);
}
