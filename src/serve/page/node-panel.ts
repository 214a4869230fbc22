/** What a node needs to pull from here: the endpoint, the Talos patch, the authority to trust. */
import { X509Certificate } from 'node:crypto';
import type { PageFacts } from './facts.ts';
import { html, type Markup } from './markup.ts';
import { hostOf } from './pulling.ts';

export function nodePanel(facts: PageFacts): Markup {
  return html`<section class="panel" aria-label="For nodes" data-buttons>
<div class="line"><span class="label">Endpoint for nodes</span><code data-copy="endpoint">${facts.endpoint}</code></div>
${talosPatch(facts)}${authority(facts)}${otherTools(facts)}
</section>`;
}

function talosPatch({ talosPatch: patch }: PageFacts): Markup | undefined {
  if (patch === undefined) return undefined;
  return html`<details><summary>Talos patch<span class="soft">for ${patch.version}</span></summary><div class="inner">
<p>Makes the nodes pull through this server. Save it as <code>patch.yaml</code>, then <code>talosctl patch machineconfig --patch @patch.yaml</code>, or give it to <code>talosctl gen config --config-patch @patch.yaml</code>.</p>
<div class="block"><pre tabindex="0" aria-label="Talos patch" data-copy="Talos patch">${patch.text}</pre></div></div></details>
`;
}

function authority({ tls, caPem }: PageFacts): Markup | undefined {
  if (tls !== 'self-signed' || caPem === undefined) return undefined;
  const print = fingerprint(caPem);
  const href = `data:application/x-pem-file;base64,${Buffer.from(caPem).toString('base64')}`;
  return html`<details><summary>Certificate authority<span class="soft">to trust</span></summary><div class="inner">
<p>This server made its own certificate. Whoever pulls from it has to trust this authority: <a download="airgap-ca.crt" href="${href}">download airgap-ca.crt</a>.</p>
${print === undefined ? '' : html`<p>Compare its SHA-256 fingerprint with what the server printed when it started, as this page may have come from somebody else:<br><code>${print}</code></p>`}
<div class="block"><pre tabindex="0" aria-label="Certificate of the authority" data-copy="certificate">${caPem}</pre></div></div></details>
`;
}

function fingerprint(pem: string): string | undefined {
  try {
    return new X509Certificate(pem).fingerprint256;
  } catch {
    return undefined;
  }
}

const flag = (text: string): Markup => html`<code class="flag">${text}</code>`;

const tlsNotes: Readonly<Record<PageFacts['tls'], Markup>> = {
  none: html`It speaks HTTP without TLS: docker wants the endpoint among its insecure-registries, ctr wants ${flag('--plain-http')}, skopeo ${flag('--src-tls-verify=false')}.`,
  'self-signed': html`docker looks for the authority in ${flag('/etc/docker/certs.d/HOST:PORT/ca.crt')}, ctr takes it with ${flag('--tlscacert')}, skopeo from the ${flag('*.crt')} files of the directory given with ${flag('--src-cert-dir')}.`,
  given: html`The certificate of this server has to be trusted by whoever pulls.`,
};

function otherTools(facts: PageFacts): Markup {
  return html`<details><summary>Other tools</summary><div class="inner">
<p>Every image has its upstream name below this endpoint: <code>registry.k8s.io/pause:3.10</code> is pulled as <code>${hostOf(facts.endpoint)}/registry.k8s.io/pause:3.10</code>. The commands for each image are in its row.</p>
<p>${tlsNotes[facts.tls]}</p></div></details>
`;
}
