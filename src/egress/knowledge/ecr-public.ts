/** Amazon ECR Public. */
import { outbound } from './entry.ts';
import type { KnownDestination } from './known.ts';

const common = { component: 'ecr-public', registries: ['public.ecr.aws'], sources: ['eks-anywhere-ports'] } as const;

/** It issues its own tokens. */
export const ecrPublicDestinations: readonly KnownDestination[] = [
  outbound({ ...common, host: 'public.ecr.aws', duty: 'registry', purpose: 'registry public.ecr.aws' }),
  outbound({ ...common, host: 'd5l0dvt14r5h8.cloudfront.net', duty: 'blobs', purpose: 'blobs of public.ecr.aws' }),
  outbound({ ...common, host: 'd2glxqk2uabbnd.cloudfront.net', duty: 'blobs', purpose: 'blobs of public.ecr.aws' }),
];
