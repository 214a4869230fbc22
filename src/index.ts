/**
 * The library's door. The same corridor the program walks, on ends of the caller's choice.
 *
 * @example
 * ```ts
 * const source = openMemory();
 * const target = await openLayout('mirror', { create: true });
 * const job: MirrorJob = { requests, rule, mirrors: [], source, target, wish: { platforms: [], narrow: false, require: false } };
 * const { lock, verification } = await copyAndVerify(job, await prepareMirror(job), () => []);
 * ```
 */
export { type CatalogueEntry, chooseEntries } from './catalogues/entry.ts';
export { readExtensionCatalogue } from './catalogues/extensions.ts';
export { readOverlayCatalogue } from './catalogues/overlays.ts';
export type { ImageReceipt, Outcome, Receipt } from './copy/receipt.ts';
export { type CopySettings, defaultCopySettings, type UploadMemory } from './copy/settings.ts';
export {
  copyAndVerify,
  type MirrorJob,
  type MirrorResult,
  type Prepared,
  prepareMirror,
} from './corridor.ts';
export type { Destination, EgressList, Evidence, Role } from './egress/destination.ts';
export type { FirewallInput, FirewallLanguage, FirewallText } from './egress/firewall/language.ts';
export { firewallLanguages } from './egress/firewall/languages.ts';
export { knownDestinations } from './egress/knowledge/all.ts';
export type { ComponentName, KnownDestination, KnownSource } from './egress/knowledge/known.ts';
export { knownSources } from './egress/knowledge/sources.ts';
export { mergeNeeds, type Needs } from './egress/needs/merge.ts';
export { type NodeFacts, nodeNeeds } from './egress/needs/nodes.ts';
export { type ServiceFacts, serviceNeeds } from './egress/needs/services.ts';
export { type StagingFacts, stagingNeeds } from './egress/needs/staging.ts';
export { mergeObserved, type ObservedList } from './egress/observed.ts';
export { type Printer, printers } from './egress/print/printers.ts';
export type { EmittedFile } from './emit/emitted.ts';
export type { FormatInput, FormatOutput } from './emit/formats/format.ts';
export { emitFormat, type FormatName, formatNames } from './emit/formats/formats.ts';
export { hostsToml } from './emit/hosts-toml.ts';
export { emitImageList } from './emit/image-list.ts';
export type { NodeSettings } from './emit/node-settings.ts';
export { emitTalosConfig, type TalosConfigFiles, type TalosConfigOptions } from './emit/talos-config.ts';
export { AirgapError, type ErrorCode, errorCodes, isAirgapError } from './errors.ts';
export type { AirgapEvent, EventSink } from './events.ts';
export type { Credential, CredentialLookup, HttpClient, HttpClientSettings } from './http/client.ts';
export { openHttpClient } from './http/open.ts';
export { parseList } from './input/list.ts';
export { mergeRequests, requestsFromLock } from './input/merge.ts';
export type { Origin, RequestedImage, RequestedReference } from './input/requested.ts';
export type { Contact, Lock, LockedImage, Observed } from './lock/lock.ts';
export { parseLock } from './lock/parse.ts';
export { printLock } from './lock/print.ts';
export { type Mirror, type MirrorRule, manifestUrl, mirrorFor, mirrorsOf, placeRepository } from './mirror/rule.ts';
export { type Diagnosis, diagnose } from './node/diagnose.ts';
export { blobUrlAt, manifestUrlAt, nodePull, pullersOf, referrersUrlAt } from './node/node-pull.ts';
export type { NodePull, Puller, PullStep } from './node/pull.ts';
export { type ConfigText, readNodeConfig } from './node/read-config.ts';
export { verificationRuleFor } from './node/verification.ts';
export type { Descriptor } from './oci/descriptor.ts';
export { type Digest, digestOf, parseDigest } from './oci/digest.ts';
export { parsePlatform } from './oci/platform.ts';
export { parseReference, printReference, type Reference, type RepositoryName } from './oci/reference.ts';
export { type AskedImage, parseAsked, printAsked, type Retag } from './oci/retag.ts';
export { type ServeOptions, serveStore } from './serve/open.ts';
export { parseSpec } from './spec/parse.ts';
export type { Spec } from './spec/spec.ts';
export type { BundleContents, BundleSource, BundleWriter } from './store/bundle/bundle.ts';
export { openBundle } from './store/bundle/reader.ts';
export { openBundleWriter } from './store/bundle/writer.ts';
export type { CacheForm, ImageCache, ImageCacheOptions } from './store/image-cache/image-cache.ts';
export { openImageCache } from './store/image-cache/open.ts';
export { collectGarbage, type GarbageReport } from './store/layout/gc.ts';
export { openLayout } from './store/layout/open.ts';
export { openMemory } from './store/memory/open.ts';
export { openRegistry } from './store/registry/open.ts';
export type { Source, Target } from './store/store.ts';
export { contentOfBytes, verifiedContent } from './store/verified.ts';
export { talosImages, talosReleases } from './talos/catalogue.ts';
export { parseCatalogue } from './talos/catalogue-file.ts';
export type { NodeConfig } from './talos/node-config.ts';
export { builtInCatalogue, type TalosCatalogue, withOverlay } from './talos/releases.ts';
export {
  factoryInstallers,
  type InstallerChoice,
  readSchematic,
  type Schematic,
  schematicId,
} from './talos/schematic.ts';
export { type UpgradePath, upgradeImages, upgradePath } from './talos/upgrade.ts';
export { parseTalosVersion } from './talos/version.ts';
export { type AsNodeOptions, verifyAsNode } from './verify/as-node/as-node.ts';
export { imagesOfLock, type NodeImage } from './verify/as-node/expected.ts';
export type { NodeAnswer, NodeRequest, NodeTransport } from './verify/as-node/transport.ts';
export type { ImageVerdict, NodeVerification } from './verify/as-node/verdict.ts';
export { type CheckFinding, type ContentCheck, checkContent } from './verify/check.ts';
export type { Verification } from './verify/verification.ts';
export { verifyLock } from './verify/verify.ts';
