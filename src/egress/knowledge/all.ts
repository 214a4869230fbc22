/** The whole knowledge base. */
import { chainguardDestinations } from './chainguard.ts';
import { dockerHubDestinations } from './docker-hub.ts';
import { ecrPublicDestinations } from './ecr-public.ts';
import { ghcrDestinations } from './ghcr.ts';
import { googleDestinations } from './google.ts';
import type { KnownDestination } from './known.ts';
import { kubernetesDestinations } from './kubernetes.ts';
import { microsoftDestinations } from './microsoft.ts';
import { nvidiaDestinations } from './nvidia.ts';
import { omniDestinations } from './omni.ts';
import { quayDestinations } from './quay.ts';
import { sigstoreDestinations } from './sigstore.ts';
import { talosDestinations } from './talos.ts';
import { timeAndNameDestinations } from './time-and-names.ts';

/** Everything, superseded entries too: lists are made of what `find.ts` gives. */
export const knownDestinations: readonly KnownDestination[] = [
  ...talosDestinations,
  ...omniDestinations,
  ...chainguardDestinations,
  ...dockerHubDestinations,
  ...ghcrDestinations,
  ...quayDestinations,
  ...kubernetesDestinations,
  ...googleDestinations,
  ...microsoftDestinations,
  ...ecrPublicDestinations,
  ...nvidiaDestinations,
  ...sigstoreDestinations,
  ...timeAndNameDestinations,
];
