/** The documents of Sidero Labs: Talos, its services, Omni. */
import type { KnownSource } from './known.ts';

/** In the order of the entries: Talos, then Omni. */
export const sideroSources: readonly KnownSource[] = [
  {
    id: 'talos-egress-v1.14',
    title: 'Talos v1.14: egress domains',
    address: 'https://docs.siderolabs.com/talos/v1.14/networking/egress-domains',
    date: '2026-05-04',
    by: 'owner',
  },
  {
    id: 'talos-egress-v1.11',
    title: 'Talos up to v1.11: egress domains',
    address: 'https://www.talos.dev/v1.10/advanced/egress-domains/',
    date: '2025',
    by: 'owner',
  },
  {
    id: 'talos-airgapped-v0.14',
    title: 'Talos v0.14: air-gapped environments',
    address: 'https://www.talos.dev/v0.14/guides/air-gapped/',
    date: '2021',
    by: 'owner',
  },
  {
    id: 'talos-constants',
    title: 'Talos: pkg/machinery/constants/constants.go',
    address: 'siderolabs/talos pkg/machinery/constants/constants.go @ ad8823176e75',
    date: '2026-08-21',
    by: 'owner',
  },
  {
    id: 'talos-time-v1.14',
    title: 'Talos v1.14: time servers, authenticated by default (NTS)',
    address: 'siderolabs/docs public/talos/v1.14/networking/configuration/time.mdx @ 05d0c06c619b',
    date: '2026-07-29',
    by: 'owner',
  },
  {
    id: 'talos-tuf',
    title: 'Talos: verification of images, TUF root',
    address: 'siderolabs/talos internal/pkg/containers/image/verify @ ad8823176e75',
    date: '2026-08-21',
    by: 'owner',
  },
  {
    id: 'talos-image-lists',
    title: 'Talos: default images of each release',
    address: 'siderolabs/talos pkg/images/list.go at the release tags @ ad8823176e75',
    date: '2026-08-21',
    by: 'owner',
  },
  {
    id: 'talos-siderolink',
    title: 'Talos: SideroLink',
    address: 'https://docs.siderolabs.com/talos/v1.13/networking/siderolink',
    date: '2026',
    by: 'owner',
  },
  {
    id: 'omni-egress',
    title: 'Omni: firewall and egress requirements',
    address: 'siderolabs/docs public/omni/omni-cluster-setup/omni-firewall-egress-requirement.mdx @ 5debdd92a904',
    date: '2026-08-19',
    by: 'owner',
  },
  {
    id: 'omni-egress-proxy',
    title: 'Omni: firewall and egress requirements, access through an HTTP proxy',
    address: 'siderolabs/docs public/omni/omni-cluster-setup/omni-firewall-egress-requirement.mdx @ 7b4dfe9c30a3',
    date: '2026-09',
    by: 'owner',
  },
  {
    id: 'omni-airgapped',
    title: 'Omni: running it air-gapped',
    address: 'siderolabs/docs public/omni/self-hosted/run-omni-airgapped.mdx @ 5debdd92a904',
    date: '2026-08-19',
    by: 'owner',
  },
  {
    id: 'omni-schema',
    title: 'Omni v1.10.4: schema of its configuration',
    address: 'siderolabs/omni internal/pkg/config/schema.json @ b1ea5df26e4e',
    date: '2026-08',
    by: 'owner',
  },
];
