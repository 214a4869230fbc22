/** What the host of Omni connects to, and what nodes reach Omni at. */
import { outbound } from './entry.ts';
import type { KnownDestination } from './known.ts';

const fromOmni = { component: 'omni', who: ['omni'], sources: ['omni-egress'] } as const;
const toOmni = { component: 'omni', host: '<omni>', who: ['nodes'] } as const;

/** Both directions of Omni, its own and that of its nodes. */
export const omniDestinations: readonly KnownDestination[] = [
  outbound({ ...fromOmni, host: 'ghcr.io', duty: 'registry', purpose: "Omni's own image" }),
  outbound({
    ...fromOmni,
    host: '*.githubusercontent.com',
    duty: 'blobs',
    purpose: 'blobs of ghcr.io',
    exact: [{ host: 'pkg-containers.githubusercontent.com', sources: ['omni-egress-proxy', 'trivy-network'] }],
  }),
  outbound({ ...fromOmni, host: 'factory.talos.dev', duty: 'registry', purpose: 'install media of Talos' }),
  outbound({
    ...fromOmni,
    host: '*.factory.talos.dev',
    duty: 'blobs',
    purpose: 'builds of the Image Factory',
    exact: [
      {
        host: 'cdn.factory.talos.dev',
        sources: ['omni-egress-proxy'],
        condition: 'as Sidero Labs observed it: other names below factory.talos.dev may come',
      },
    ],
  }),
  outbound({ ...fromOmni, host: '*.r2.cloudflarestorage.com', duty: 'blobs', purpose: 'blobs of factory.talos.dev' }),
  outbound({
    ...fromOmni,
    host: '<identity provider>',
    duty: 'token',
    purpose: 'signing in to Omni',
    required: false,
    condition: 'the OIDC or SAML provider that Omni is configured with',
    sources: ['omni-egress', 'omni-airgapped'],
  }),
  outbound({ ...toOmni, duty: 'api', purpose: 'API of Omni', sources: ['omni-egress', 'omni-airgapped'] }),
  outbound({
    ...toOmni,
    port: 8090,
    duty: 'api',
    purpose: 'machine API of Omni',
    required: false,
    condition: "where Omni's machine API is not behind port 443",
    sources: ['omni-schema', 'omni-airgapped'],
  }),
  outbound({
    ...toOmni,
    port: 50180,
    protocol: 'udp',
    speaks: 'wireguard',
    duty: 'tunnel',
    purpose: 'SideroLink',
    condition: "the port of the air-gapped guide and of Omni's defaults; none with SideroLink over gRPC",
    sources: ['omni-airgapped', 'omni-schema', 'talos-siderolink'],
  }),
  outbound({
    ...toOmni,
    port: 51820,
    protocol: 'udp',
    speaks: 'wireguard',
    duty: 'tunnel',
    purpose: 'SideroLink',
    condition: 'the port of the firewall page, which may vary, and of Omni SaaS; none with SideroLink over gRPC',
    sources: ['omni-egress', 'omni-egress-proxy'],
  }),
];
