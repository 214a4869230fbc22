/** The way from one Talos release to another: releases and Kubernetes versions in the order they are installed. */
import { AirgapError } from '../errors.ts';
import {
  requireRelease,
  type TalosImageOptions,
  type TalosMirrorImage,
  talosImages,
  talosMirrorImages,
} from './catalogue.ts';
import { checkKubernetes, kubernetesRange, printKubernetesRange } from './kubernetes.ts';
import { builtInCatalogue, listedReleases, type TalosCatalogue } from './releases.ts';
import { talosSteps } from './upgrade-rules.ts';
import { compareTalosVersions, printPlain, printTalosVersion, readVersion, type TalosVersion } from './version.ts';

/** Talos is upgraded; Kubernetes stays. */
export interface TalosStep {
  readonly kind: 'talos';
  readonly from: TalosVersion;
  readonly to: TalosVersion;
  /** The default install image of `to`. */
  readonly installer: string;
  /** Kubernetes that runs meanwhile, without `v`: both releases support it. */
  readonly kubernetes: string;
}

/** Kubernetes is upgraded, by at most one minor; Talos stays. */
export interface KubernetesStep {
  readonly kind: 'kubernetes';
  /** Without `v`, like `to`. */
  readonly from: string;
  readonly to: string;
  readonly talos: TalosVersion;
}

/** A Talos release of the way and the Kubernetes versions that run on it, in their order, without `v`. */
export interface UpgradeStay {
  readonly talos: TalosVersion;
  readonly kubernetes: readonly string[];
}

export interface UpgradePath {
  readonly from: TalosVersion;
  readonly to: TalosVersion;
  readonly kubernetes: { readonly from: string; readonly to: string };
  readonly steps: readonly (TalosStep | KubernetesStep)[];
  readonly stays: readonly UpgradeStay[];
}

export interface UpgradeOptions {
  /** Default: what is built in. */
  readonly catalogue?: TalosCatalogue | undefined;
  /**
   * Versions of Kubernetes on the way: the oldest is where the cluster begins (default: the default of `from`); with more than
   * one, the newest is where it ends (default: the default of `to`), and those between stand for their minor.
   */
  readonly kubernetes?: readonly string[] | undefined;
}

/**
 * Releases as talosSteps() has them. Kubernetes is raised one minor at a time: before a Talos upgrade only as far as the next
 * release demands, after it to that release's default minor, at the end to the version one ends at. The patch of a minor is
 * the newest the catalogue knows. At every moment the Kubernetes that runs is in the range of the Talos before and after.
 * Throws ERR_USAGE naming the rule that forbids it.
 */
export function upgradePath(from: TalosVersion, to: TalosVersion, options: UpgradeOptions = {}): UpgradePath {
  const { catalogue = builtInCatalogue } = options;
  for (const end of [from, to]) requireRelease(end, catalogue);
  const [first, ...rest] = talosSteps(from, to, catalogue);
  const ends = kubernetesEnds({ from, to }, { catalogue, given: options.kubernetes ?? [] });
  const walk = new Walk(first ?? from, { ...ends, catalogue });
  for (const next of rest) walk.upgradeTalos(next);
  walk.finish();
  walk.checkUsed();
  return {
    from,
    to,
    kubernetes: { from: printPlain(ends.start), to: walk.kubernetes },
    steps: walk.steps,
    stays: walk.stays(),
  };
}

/** Every image of the way with its reason, each once: per release its default images for each Kubernetes that runs on it, and its install image. */
export function upgradeImages(
  path: UpgradePath,
  options: Omit<TalosImageOptions, 'kubernetes'> = {},
): TalosMirrorImage[] {
  const found = new Map<string, TalosMirrorImage>();
  for (const { talos, kubernetes } of path.stays) {
    for (const version of kubernetes) {
      for (const image of talosMirrorImages(talos, { ...options, kubernetes: version }))
        if (!found.has(image.reference)) found.set(image.reference, image);
    }
  }
  return [...found.values()];
}

interface KubernetesEnds {
  readonly start: TalosVersion;
  readonly end: TalosVersion;
  readonly asked: readonly TalosVersion[];
  /** By minor: what was asked for between. */
  readonly between: ReadonlyMap<number, TalosVersion>;
}

function kubernetesEnds(
  talos: { readonly from: TalosVersion; readonly to: TalosVersion },
  asked: { readonly catalogue: TalosCatalogue; readonly given: readonly string[] },
): KubernetesEnds {
  const { catalogue } = asked;
  const given = asked.given.map(readKubernetes).sort(compareTalosVersions);
  const startsAt = requireRelease(talos.from, catalogue).kubernetes;
  const endsAt = requireRelease(talos.to, catalogue).kubernetes;
  const start = given[0] ?? readKubernetes(startsAt);
  const byDefault = readKubernetes(endsAt);
  const end =
    given.length > 1 ? (given.at(-1) ?? byDefault) : compareTalosVersions(start, byDefault) > 0 ? start : byDefault;
  checkKubernetes(printPlain(start), { version: talos.from, default: startsAt, catalogue });
  checkKubernetes(printPlain(end), { version: talos.to, default: endsAt, catalogue });
  return { start, end, asked: given, between: new Map(given.slice(1, -1).map((version) => [version.minor, version])) };
}

function readKubernetes(text: string): TalosVersion {
  const version = readVersion(text);
  if (version !== undefined && version.major === 1) return version;
  throw new AirgapError(
    'ERR_USAGE',
    `Cannot read Kubernetes version ${JSON.stringify(text.slice(0, 80))}: not 1.MINOR.PATCH`,
    {
      hint: 'write it with all three numbers, for example v1.36.3',
    },
  );
}

/** Where the cluster is on its way. */
class Walk {
  readonly steps: (TalosStep | KubernetesStep)[] = [];
  readonly #stays: { talos: TalosVersion; kubernetes: string[] }[];
  readonly #given: KubernetesEnds & { readonly catalogue: TalosCatalogue };
  #talos: TalosVersion;
  #kubernetes: TalosVersion;

  constructor(talos: TalosVersion, given: KubernetesEnds & { readonly catalogue: TalosCatalogue }) {
    this.#talos = talos;
    this.#given = given;
    this.#kubernetes = given.start;
    this.#stays = [{ talos, kubernetes: [printPlain(given.start)] }];
  }

  get kubernetes(): string {
    return printPlain(this.#kubernetes);
  }

  stays(): UpgradeStay[] {
    return this.#stays;
  }

  upgradeTalos(next: TalosVersion): void {
    const { catalogue, end } = this.#given;
    const range = kubernetesRange(next, catalogue);
    if (range === undefined) throw this.#refusal(next, 'which Kubernetes it runs is not known');
    this.#raise(range.min);
    if (this.#kubernetes.minor > range.max || this.#kubernetes.minor < range.min)
      throw this.#refusal(
        next,
        `Kubernetes v${this.kubernetes} runs then, and it supports ${printKubernetesRange(range)}`,
      );
    const { installImage } = talosImages(next, { catalogue });
    const kubernetes = this.kubernetes;
    this.steps.push({ kind: 'talos', from: this.#talos, to: next, installer: installImage, kubernetes });
    this.#talos = next;
    this.#stays.push({ talos: next, kubernetes: [kubernetes] });
    this.#raise(Math.min(end.minor, readKubernetes(requireRelease(next, catalogue).kubernetes).minor));
  }

  finish(): void {
    const { end } = this.#given;
    this.#raise(end.minor);
    const order = compareTalosVersions(this.#kubernetes, end);
    if (order < 0) this.#step(end);
    if (order > 0) {
      throw this.#refusal(
        this.#talos,
        `Kubernetes has to be v${this.kubernetes} on the way, and v${printPlain(end)} is older`,
      );
    }
  }

  /** A version between that no step takes was asked for in vain. */
  checkUsed(): void {
    const used = new Set(this.#stays.flatMap(({ kubernetes }) => kubernetes));
    const left = this.#given.asked.map(printPlain).find((version) => !used.has(version));
    if (left === undefined) return;
    throw new AirgapError('ERR_USAGE', `Cannot use Kubernetes "v${left}": it is not on the way`, {
      hint: `the way takes one release of each minor: ${[...used].map((version) => `v${version}`).join(', ')}`,
    });
  }

  /** One minor at a time; none where the cluster is there already. */
  #raise(minor: number): void {
    while (this.#kubernetes.minor < minor) this.#step(this.#patchOf(this.#kubernetes.minor + 1));
  }

  #step(to: TalosVersion): void {
    const range = kubernetesRange(this.#talos, this.#given.catalogue);
    if (range !== undefined && to.minor > range.max)
      throw this.#refusal(
        this.#talos,
        `Kubernetes v${printPlain(to)} is needed there, and it supports ${printKubernetesRange(range)}`,
      );
    this.steps.push({ kind: 'kubernetes', from: this.kubernetes, to: printPlain(to), talos: this.#talos });
    this.#stays.at(-1)?.kubernetes.push(printPlain(to));
    this.#kubernetes = to;
  }

  #patchOf(minor: number): TalosVersion {
    const { end, between, catalogue } = this.#given;
    const asked = minor === end.minor ? end : between.get(minor);
    const version = asked ?? newestKubernetes(minor, catalogue);
    if (version !== undefined) return version;
    throw new AirgapError(
      'ERR_USAGE',
      `Cannot upgrade Kubernetes "v${this.kubernetes}" to 1.${minor}: no release of it is known`,
      {
        hint: `name one: --kubernetes v${this.kubernetes} --kubernetes v1.${minor}.PATCH --kubernetes v${printPlain(end)}`,
      },
    );
  }

  #refusal(next: TalosVersion, state: string): AirgapError {
    return new AirgapError('ERR_USAGE', `Cannot upgrade to Talos "${printTalosVersion(next)}": ${state}`, {
      hint: 'choose another Kubernetes to begin or to end with: --kubernetes FIRST --kubernetes LAST',
    });
  }
}

/** The newest patch of a Kubernetes minor that the catalogue knows: as some release's default, or by itself. A pre-release only where there is nothing else. */
export function newestKubernetes(
  minor: number,
  catalogue: TalosCatalogue = builtInCatalogue,
): TalosVersion | undefined {
  const known = [...listedReleases(catalogue).map(({ kubernetes }) => kubernetes), ...catalogue.kubernetes]
    .map((text) => readVersion(text))
    .filter((version) => version !== undefined)
    .filter((version) => version.major === 1 && version.minor === minor)
    .sort(compareTalosVersions);
  return known.findLast(({ prerelease }) => prerelease === '') ?? known.at(-1);
}
