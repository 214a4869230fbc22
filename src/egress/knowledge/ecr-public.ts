/** Amazon ECR Public. */
import { outbound } from './entry.ts';
import type { KnownDestination } from './known.ts';

const common = { component: 'ecr-public', registries: ['public.ecr.aws'], sources: ['eks-anywhere-hosts'] } as const;

/** It issues its own tokens. */
export const ecrPublicDestinations: readonly KnownDestination[] = [
  outbound({ ...common, host: 'public.ecr.aws', duty: 'registry', purpose: 'registry public.ecr.aws' }),
  ...['d2glxqk2uabbnd.cloudfront.net', 'd5l0dvt14r5h8.cloudfront.net'].map((host) =>
    outbound({
      ...common,
      host,
      duty: 'blobs',
      purpose: 'blobs of public.ecr.aws',
      condition: 'which of the two serves a blob is not said',
    }),
  ),
];
