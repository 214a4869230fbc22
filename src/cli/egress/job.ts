/** The list of egress for the job at hand: inputs, ends and configurations become facts, and the facts become destinations. */
import { resolve } from 'node:path';
import { type EgressList, printPlace, type Role } from '../../egress/destination.ts';
import { expandComponents } from '../../egress/knowledge/find.ts';
import { mergeNeeds, type Needs } from '../../egress/needs/merge.ts';
import { nodeNeeds } from '../../egress/needs/nodes.ts';
import { type Place, placeOfRegistry, placeOfUrl } from '../../egress/needs/place.ts';
import { omniNeedsOfNodes, type ServiceFacts, serviceNeeds } from '../../egress/needs/services.ts';
import { type StagingFacts, stagingNeeds } from '../../egress/needs/staging.ts';
import { chooseProxy } from '../../http/proxy.ts';
import type { Mirror } from '../../mirror/rule.ts';
import { systemNameServers } from '../../probe/name-servers.ts';
import { printLocation, type RegistryLocation } from '../../store/location.ts';
import { printTalosVersion, type TalosVersion } from '../../talos/version.ts';
import { pemReader } from '../emitting/pem.ts';
import { emissionSettings } from '../emitting/settings.ts';
import type { Flags } from '../flags.ts';
import { configVersionFor, mirrorsFor, ruleFor } from '../placing.ts';
import { counted } from '../report/text.ts';
import type { Session } from '../session.ts';
import { patchBeside, type Settings } from '../settings.ts';
import { type EgressImages, egressImages } from './images.ts';
import { nodeConfigs } from './node-configs.ts';
import { type SaidBy, saidBy } from './said-by.ts';
import type { EgressSettings } from './settings.ts';

interface Job {
  readonly session: Session;
  readonly egress: EgressSettings;
  readonly flags: Flags;
  readonly by: SaidBy;
  readonly asked: EgressImages;
  readonly version: TalosVersion;
}

/** A list, and what it is for, in one line. */
export interface TitledList {
  readonly list: EgressList;
  readonly title: string;
}

/** Contacts nobody. Only the roles that were asked for. Throws ERR_USAGE, ERR_INPUT_INVALID, ERR_LOCK_INVALID. */
export async function egressList(
  session: Session,
  options: { egress: EgressSettings; flags: Flags },
): Promise<TitledList> {
  const { egress, flags } = options;
  const components = expandComponents(egress.components);
  const by = saidBy(flags, session.context.env);
  const asked = await egressImages(session, { egress, by });
  const version = configVersionFor(session.settings, asked.talos);
  const job: Job = { session, egress, flags, by, asked, version };
  const { wildcards, omniHost, siderolinkPort } = egress;
  const service: ServiceFacts = { components, version, wildcards, omniHost, siderolinkPort };
  const wanted = (role: Role) => egress.roles.length === 0 || egress.roles.includes(role);
  const parts: Needs[] = [];
  if (asked.images.length > 0 && wanted('staging')) parts.push(stagingNeeds(stagingFacts(job)));
  if (asked.images.length > 0 && wanted('nodes')) parts.push(...(await nodesOf(job)));
  if (egress.omniHost !== undefined && wanted('nodes')) parts.push(omniNeedsOfNodes(service));
  if (components.length > 0) parts.push(serviceNeeds(service));
  const { destinations, notes } = mergeNeeds(parts);
  const listed = destinations.filter(({ role }) => wanted(role));
  const isOmniMissing = egress.roles.includes('omni') && !components.includes('omni');
  const omniNote = 'what the host of Omni itself fetches is listed with --components omni';
  const list = { destinations: listed, notes: isOmniMissing ? [...notes, omniNote] : notes };
  return { list, title: titleOf(job, components) };
}

function titleOf({ asked, version, session }: Job, components: readonly string[]): string {
  const { images, to } = asked;
  const into = to === undefined ? '' : ` to ${printLocation(to)}`;
  const parts = [
    ...(images.length === 0 ? [] : [`${counted(images.length, 'image')}${into}`]),
    ...(components.length === 0 ? [] : [components.join(', ')]),
  ];
  const known = session.settings.talos !== undefined || asked.talos !== undefined;
  const release = known ? `, with Talos ${printTalosVersion(version)}` : '';
  return `What has to be opened for ${parts.join(' and for ')}${release}`;
}

function stagingFacts({ session, egress, by, asked, version }: Job): StagingFacts {
  const { settings } = session;
  const { from, sourceEndpoints, proxy } = settings;
  const readAt = sourceEndpoints.map(({ registry, base }) => ({
    registry,
    place: placeOfUrl(base.href) ?? placeOfRegistry(base.host),
    by: by('source-endpoint'),
  }));
  const here = from !== undefined && from.kind !== 'registry';
  if (from?.kind === 'registry')
    readAt.push({ registry: '*', place: placeOfRegistry(from.host, from.scheme), by: by('from') });
  const choose = chooseProxy(proxy);
  const given = egress.nameServers.map((server) => ({ ...server, by: by('resolver') }));
  return {
    registries: here ? [] : asked.registries,
    readAt,
    target: asked.to?.kind === 'registry' ? { place: targetPlace(asked.to, asked), by: asked.toBy } : undefined,
    nameServers: given.length > 0 ? given : systemNameServers().map((server) => ({ ...server, by: 'this machine' })),
    proxyFor: ({ host, port, speaks }): Place | undefined => {
      const scheme = speaks === 'http' ? 'http' : 'https';
      const chosen = choose(new URL(`${scheme}://${printPlace({ host: host.replaceAll('*', 'any'), port })}`));
      return chosen === undefined ? undefined : placeOfUrl(chosen.url.href);
    },
    version,
    wildcards: egress.wildcards,
  };
}

/** By the scheme that was written, else by the one the lock's own mirrors use. */
function targetPlace(to: RegistryLocation, { lock }: EgressImages): Place {
  const endpoint = lock?.mirrors.map((mirror) => mirror.endpoint).find((url) => new URL(url).host === to.host);
  return placeOfRegistry(to.host, to.scheme ?? (endpoint === undefined ? undefined : schemeOf(endpoint)));
}

function schemeOf(url: string): 'http' | 'https' {
  return url.startsWith('http:') ? 'http' : 'https';
}

/** Each configuration that was given has needs of its own. */
async function nodesOf(job: Job): Promise<Needs[]> {
  const { session, egress, flags, asked, version } = job;
  const { settings, context } = session;
  const { mirrors, by: mirrorsBy } = mirrorsOf(job);
  const endpoints = [...new Set(mirrors.map(({ endpoint }) => endpoint))];
  const emission = await emissionSettings(flags, { ...context, version, endpoints, pem: pemReader(context.cwd) });
  const configs = await nodeConfigs({
    settings,
    groups: asked.configs,
    version,
    mirrors,
    mirrorsBy,
    saidBy: job.by,
    registries: asked.registries,
    node: emission.settings,
    patchFile: asked.lock === undefined ? undefined : patchFileOf(settings),
  });
  const { wildcards } = egress;
  return configs.map(({ config, by: says }) => {
    const isKnown = config.mirrors.length > 0;
    const needs = nodeNeeds({ config, images: isKnown ? asked.images : [], version, by: says, wildcards });
    return isKnown ? needs : withoutRegistry(needs, config.imageCache);
  });
}

/** Of the images nothing is known but that they come from inside the site; with an image cache on the node perhaps from there alone. */
function withoutRegistry({ destinations, notes = [] }: Needs, hasCache: boolean): Needs {
  const registry = {
    role: 'nodes',
    host: '<registry>',
    port: 443,
    protocol: 'tcp',
    speaks: 'https',
    isRegistry: true,
    required: !hasCache,
    condition: hasCache ? 'for images that the image cache of the nodes does not have' : undefined,
    purposes: ['mirror of any registry'],
    component: 'site',
    evidence: [{ kind: 'configured', by: 'nothing yet' }],
  } as const;
  const note = '<registry> is the address at which nodes will find the images: name it with --to or --endpoint';
  return { destinations: [registry, ...destinations], notes: [...notes, note] };
}

/** As mirror would write them; an address whose scheme nobody said counts as https. */
function mirrorsOf({ session, by, asked }: Job): { readonly mirrors: readonly Mirror[]; readonly by: string } {
  const { settings } = session;
  const { to, toBy, lock, images } = asked;
  const { endpoints: addresses, perRegistry } = settings;
  if (lock !== undefined && addresses.length === 0 && !settings.toGiven) return { mirrors: lock.mirrors, by: toBy };
  if (to === undefined && addresses.length === 0) return { mirrors: [], by: toBy };
  const rule = ruleFor(to ?? settings.to, settings.prefixByRegistry);
  const endpoint = to?.kind === 'registry' ? `${to.scheme ?? 'https'}://${to.host}` : undefined;
  const requests = images.map((reference) => ({ reference }));
  const mirrors = mirrorsFor(requests, { rule, endpoint, addresses, perRegistry });
  return { mirrors, by: addresses.length > 0 ? by('endpoint') : toBy };
}

function patchFileOf({ inputs, cwd, patchFile }: Settings): string {
  const [given] = inputs;
  return given === undefined ? patchFile : patchBeside(resolve(cwd, given));
}
