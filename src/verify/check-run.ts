/** One check as it goes on: manifests first, as they tell which blobs there should be; then every blob, each once. */
import { limitTo } from '../async/limit.ts';
import { isAirgapError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { type Digest, isDigest } from '../oci/digest.ts';
import { contentNamedBy, documentOf, isForeign, maxManifestBytes } from '../oci/manifest.ts';
import { isManifestType, mediaTypes } from '../oci/media-type.ts';
import type { RepositoryName } from '../oci/reference.ts';
import type { IndexedManifest } from '../store/store.ts';
import type { CheckedContent, CheckFinding, CheckOptions, CheckSubject, ContentCheck, SizedContent } from './check.ts';
import { ContentGraph } from './content-graph.ts';
import { expectedOfLock, type LockedManifest, rootsOf } from './expected-content.ts';
import { type ReadContent, readContent } from './read-content.ts';

/** Where content of no named repository is read: a store that keeps content by digest gives it out anywhere. */
const anywhere: RepositoryName = { registry: 'localhost', repository: 'content' };

/** Tags under which signatures and referrers lie. */
const belongsToImage = /:sha(?:256|512)-[0-9a-f]+(?:\.(?:sig|att|sbom))?$/;

interface Wanted {
  readonly descriptor: Descriptor;
  readonly repository: RepositoryName;
}

export class CheckRun {
  readonly #subject: CheckSubject;
  readonly #options: CheckOptions;
  readonly #graph = new ContentGraph();
  readonly #promised: ReadonlyMap<Digest, number>;
  readonly #base: ReadonlySet<Digest>;
  readonly #manifests = new Map<Digest, Wanted>();
  readonly #blobs = new Map<Digest, Wanted>();
  readonly #verdicts = new Map<Digest, CheckedContent>();
  readonly #findings = new Map<string, CheckFinding>();
  readonly #waiting = new Map<Digest, SizedContent & { readonly volumes: readonly number[] }>();
  /** What the lock says was left out of the images that a manifest belongs to. */
  readonly #omitted = new Map<Digest, Set<Digest>>();
  readonly #walked = new Set<Digest>();
  /** By name, what it begins at. */
  readonly #images = new Map<string, Digest>();
  readonly #referrers = new Set<Digest>();
  #expected: readonly string[] = [];
  #leftOut = 0;
  #bytesRead = 0;

  constructor(subject: CheckSubject, options: CheckOptions) {
    this.#subject = subject;
    this.#options = options;
    const { promised, base } = subject;
    const all = [...(promised?.manifests ?? []), ...(promised?.blobs ?? [])];
    this.#promised = new Map(all.map(({ digest, size }) => [digest, size]));
    this.#base = new Set(base?.map(({ digest }) => digest));
    for (const { manifests, omitted } of subject.lock?.images ?? []) {
      for (const digest of manifests)
        this.#omitted.set(digest, new Set([...(this.#omitted.get(digest) ?? []), ...omitted]));
    }
  }

  /** Reads every manifest the index, the lock or the set names, and what these lead to. */
  async walk(): Promise<void> {
    const { promised, source } = this.#subject;
    for (const { digest, size } of promised?.manifests ?? [])
      this.#add(this.#manifests, { mediaType: '', digest, size });
    const roots = await rootsOf(source, this.#options.signal);
    for (const { descriptor, repository, name } of roots) {
      this.#name(descriptor.digest, name);
      const isManifest = isManifestType(descriptor.mediaType);
      this.#add(isManifest ? this.#manifests : this.#blobs, descriptor, repository);
    }
    const locked = await this.#expect(roots);
    await this.#walkAll();
    // What nothing leads to any more has no size but its own.
    for (const { digest, repository } of locked) {
      if (!this.#manifests.has(digest))
        this.#add(this.#manifests, { mediaType: '', digest, size: (await this.#sizeHere(digest)) ?? 0 }, repository);
    }
    await this.#walkAll();
    for (const { digest, size } of promised?.blobs ?? [])
      this.#add(this.#blobs, { mediaType: mediaTypes.octetStream, digest, size });
  }

  /** Takes what the lock says, and gives the manifests it names. */
  async #expect(roots: readonly IndexedManifest[]): Promise<readonly LockedManifest[]> {
    const { lock, promised, source } = this.#subject;
    if (lock === undefined) return [];
    const isHere = (digest: Digest): boolean => promised === undefined || this.#promised.has(digest);
    const { manifests, findings, atReceiver } = await expectedOfLock(lock, { source, roots, isHere });
    this.#expected = atReceiver;
    for (const finding of findings) this.find(finding);
    for (const { digest, image, repository, size } of manifests) {
      this.#name(digest, image);
      if (size !== undefined) this.#add(this.#manifests, { mediaType: '', digest, size }, repository);
    }
    return manifests;
  }

  #name(digest: Digest, image: string): void {
    if (!belongsToImage.test(image)) this.#images.set(image, digest);
    this.#graph.name(digest, image);
  }

  /** What is wanted grows while it is walked. */
  async #walkAll(): Promise<void> {
    for (const [digest, wanted] of this.#manifests) {
      if (this.#walked.has(digest)) continue;
      this.#walked.add(digest);
      await this.#manifest(wanted);
    }
  }

  async readBlobs(): Promise<void> {
    const { readers = 2, events } = this.#options;
    const slots = limitTo(readers);
    const wanted = [...this.#blobs.values()];
    const bytes = wanted.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
    events?.({ type: 'copy:start', images: this.#images.size, blobs: wanted.length, bytes });
    await Promise.all(wanted.map((blob) => slots(() => this.#read(blob, 'blob'))));
  }

  result(): ContentCheck {
    const byDigest = (one: SizedContent, other: SizedContent): number => (one.digest < other.digest ? -1 : 1);
    const keyOf = ({ what, name, message }: CheckFinding): string => `${what} ${name} ${message}`;
    return {
      images: [...this.#images.values()].filter((digest) => !this.#referrers.has(digest)).length,
      content: [...this.#verdicts.values()].sort(byDigest),
      bytesRead: this.#bytesRead,
      findings: [...this.#findings.values()]
        .map((finding) => ({ ...finding, images: this.#imagesOf(finding) }))
        .sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1)),
      waiting: [...this.#waiting.values()]
        .map((content) => ({ ...content, images: this.#graph.imagesOf(content.digest) }))
        .sort(byDigest),
      expected: this.#expected,
      leftOut: this.#leftOut,
    };
  }

  #imagesOf({ name, images }: CheckFinding): string[] {
    return isDigest(name) ? [...new Set([...images, ...this.#graph.imagesOf(name)])].sort() : [...images];
  }

  async #manifest(wanted: Wanted): Promise<void> {
    const { descriptor } = wanted;
    const { digest } = descriptor;
    if (descriptor.size > maxManifestBytes) {
      const message = `${descriptor.size} bytes are more than a manifest may have`;
      this.#judge(descriptor, { what: 'manifest', read: { verdict: 'corrupt', message, bytesRead: 0 } });
      return;
    }
    const bytes = await this.#read(wanted, 'manifest');
    if (bytes === undefined) return;
    try {
      const { manifest } = documentOf(bytes, descriptor.mediaType);
      if (manifest.subject !== undefined) this.#referrers.add(digest);
      const { manifests, blobs } = contentNamedBy(manifest);
      await this.#children(wanted, manifests);
      for (const blob of blobs) await this.#part(wanted, blob);
    } catch (error) {
      if (!isAirgapError(error)) throw error;
      const read: ReadContent = { verdict: 'corrupt', message: `it is no manifest: ${error.message}`, bytesRead: 0 };
      this.#judge(descriptor, { what: 'manifest', read });
    }
  }

  /** A child that is not here was left out on purpose, or is lost: a set or a lock tells; without one, a sibling that is here speaks for the first. */
  async #children({ descriptor: parent, repository }: Wanted, children: readonly Descriptor[]): Promise<void> {
    const { signal } = this.#options;
    // An image cache has manifests of its own in every repository.
    const own = this.#subject.source.repository(repository);
    const absent: Descriptor[] = [];
    for (const child of children) {
      this.#graph.link(parent.digest, child.digest);
      const isKnown = this.#manifests.has(child.digest) || this.#promised.has(child.digest);
      const isHere =
        isKnown || (await this.#sizeHere(child.digest)) !== undefined || (await own.exists(child, { signal }));
      if (isHere) this.#add(this.#manifests, child, repository);
      else absent.push(child);
    }
    if (absent.length === 0 || this.#subject.promised !== undefined) return;
    const omitted = this.#omitted.get(parent.digest);
    if (omitted === undefined && absent.length < children.length) this.#leftOut += absent.length;
    else
      for (const child of absent)
        if (omitted?.has(child.digest) !== true) this.#add(this.#manifests, child, repository);
  }

  async #part({ descriptor: parent, repository }: Wanted, blob: Descriptor): Promise<void> {
    const isOptional = isForeign(blob) || this.#omitted.get(parent.digest)?.has(blob.digest) === true;
    if (isOptional && (await this.#sizeHere(blob.digest)) === undefined) return;
    this.#graph.link(parent.digest, blob.digest);
    this.#add(this.#blobs, blob, repository);
  }

  #add(known: Map<Digest, Wanted>, descriptor: Descriptor, repository = anywhere): void {
    const { digest, size } = descriptor;
    const before = known.get(digest)?.descriptor;
    if (before === undefined) known.set(digest, { descriptor, repository });
    else if (before.size !== size) {
      const message = `it is said to have ${before.size} bytes, and also ${size}`;
      const what = known === this.#blobs ? 'blob' : 'manifest';
      this.find({ what, verdict: 'corrupt', name: digest, message, images: [] });
    }
  }

  async #sizeHere(digest: Digest): Promise<number | undefined> {
    const { source } = this.#subject;
    return source.repository(anywhere).blobSize?.(digest, { signal: this.#options.signal });
  }

  async #read({ descriptor, repository }: Wanted, what: 'manifest' | 'blob'): Promise<Buffer | undefined> {
    const { source, absentVolumes } = this.#subject;
    const { digest, size } = descriptor;
    const volumes = absentVolumes?.(digest) ?? [];
    if (volumes.length > 0) {
      this.#waiting.set(digest, { digest, size, volumes });
      this.#verdicts.set(digest, { digest, size, what, verdict: 'absent-volume' });
      return undefined;
    }
    if (this.#base.has(digest) && !this.#promised.has(digest)) {
      this.#verdicts.set(digest, { digest, size, what, verdict: 'at-receiver' });
      return undefined;
    }
    const events = what === 'blob' ? this.#options.events : undefined;
    const read = await readContent(descriptor, {
      source,
      repository,
      keep: what === 'manifest',
      signal: this.#options.signal,
      events,
    });
    this.#judge(descriptor, { what, read });
    return read.bytes;
  }

  #judge(
    { digest, size }: Descriptor,
    { what, read }: { readonly what: 'manifest' | 'blob'; readonly read: ReadContent },
  ): void {
    const { verdict, message, bytesRead } = read;
    this.#bytesRead += bytesRead;
    this.#verdicts.set(digest, { digest, size, what, verdict });
    if (verdict !== 'ok') this.find({ what, verdict, name: digest, size, message, images: [] });
  }

  /** Adds a finding; images are looked up for digests. */
  find(finding: CheckFinding): void {
    this.#findings.set(`${finding.what} ${finding.name} ${finding.message}`, finding);
  }
}
