/** Which images nodes use and believe: installer, pause, image cache, signatures. */
import { AirgapError } from '../../errors.ts';
import { quoteText } from '../../oci/quote.ts';
import {
  documentsSince,
  hasWorkingKeyRules,
  imageCacheSince,
  settingForms,
  unsupported,
} from '../../talos/config-kinds.ts';
import type { VerificationRule } from '../../talos/node-config.ts';
import { isSince, printTalosVersion, type TalosVersion } from '../../talos/version.ts';
import type { NodeSettings } from '../node-settings.ts';
import { documentOf, type Part, type Release } from './part.ts';

/**
 * The installer. From 1.14 on a new configuration has UnattendedInstallConfig: Talos refuses `machine.install` beside it, and a
 * patch of it without the disk loses the disk, as the selector is replaced whole (siderolabs/talos v1.14.0,
 * pkg/machinery/config/types/runtime/unattended_install.go; pkg/machinery/cel, Expression.Merge). So it is written with the disk, or
 * said in a comment: a patch that breaks the configuration helps nobody. `wipe: false` as talosctl gen config writes it: Talos' own
 * default is true.
 */
export function installPart({ installImage, installDisk }: NodeSettings, release: Release): Part[] {
  if (installImage === undefined) return [];
  if (settingForms(release.version, release.form).install === 'v1alpha1') {
    const about = [
      'What a machine installs from. Nodes that run are not changed by it: talosctl upgrade --image does that.',
    ];
    const sections = [{ path: ['machine', 'install', 'image'], value: installImage }];
    return [{ matter: 'install', about, sections }];
  }
  if (installDisk === undefined) {
    const about = [
      `Install image: give it to talosctl gen config as  --install-image ${installImage}`,
      'It is not in this patch: from Talos v1.14 on a patch of it has to name the disk as well (--install-disk /dev/sda).',
      'A configuration from before v1.14 has machine.install in its place: write with --form v1alpha1 for it.',
    ];
    return [{ matter: 'install', about }];
  }
  const match = `disk.dev_path == ${JSON.stringify(installDisk)}`;
  const fields = { installer: { image: installImage }, provisioning: { diskSelector: { match }, wipe: false } };
  return [
    {
      matter: 'install',
      about: ['What a machine installs from, and where to. Nodes that are installed are not changed by it.'],
      documents: [documentOf('UnattendedInstallConfig', fields)],
    },
  ];
}

/** What is to be known about the installer: that it is said in a comment only. */
export function installWarnings({ installImage, installDisk }: NodeSettings, release: Release): string[] {
  const isWritten = installDisk !== undefined || settingForms(release.version, release.form).install === 'v1alpha1';
  return installImage === undefined || isWritten
    ? []
    : [
        `the install image is not in the patch: give talosctl gen config --install-image ${installImage}, or name the disk with --install-disk`,
      ];
}

/** Throws ERR_UNSUPPORTED before 1.9. */
export function imageCachePart({ imageCache }: NodeSettings, release: Release): Part[] {
  if (imageCache !== true) return [];
  const form = settingForms(release.version, release.form).imageCache;
  if (form === undefined) throw unsupported(release.version, 'the image cache', imageCacheSince);
  const about = [
    'The image cache of the boot medium is asked before every mirror. It is copied to a volume of at most 1 GB unless a',
    'VolumeConfig named IMAGECACHE allows more.',
  ];
  if (form === 'documents')
    return [{ matter: 'images', about, documents: [documentOf('ImageCacheConfig', { local: { enabled: true } })] }];
  const sections = [{ path: ['machine', 'features', 'imageCache'], value: { localEnabled: true } }];
  return [{ matter: 'images', about, sections }];
}

/**
 * What every pod starts with. The key belongs to containerd: 2.x from Talos 1.8 on (siderolabs/talos, website/content/v1.7 and
 * v1.8, talos-guides/configuration/containerd.md). The name `customization` is reserved for the old file (v1.14.0, CHANGELOG).
 */
export function pausePart({ pauseImage }: NodeSettings, release: Release): Part[] {
  if (pauseImage === undefined) return [];
  const image = JSON.stringify(pauseImage);
  const content = isSince(release.version, '1.8.0')
    ? `[plugins]\n  [plugins."io.containerd.cri.v1.images".pinned_images]\n    sandbox = ${image}\n`
    : `[plugins]\n  [plugins."io.containerd.grpc.v1.cri"]\n    sandbox_image = ${image}\n`;
  if (settingForms(release.version, release.form).pauseImage === 'documents') {
    const about = ['The image every pod starts with (pause). containerd is restarted when this changes.'];
    const documents = [documentOf('CRICustomizationConfig', { name: 'pause-image', content })];
    return [{ matter: 'images', about, documents }];
  }
  const about = [
    'The image every pod starts with (pause). Taken at the next boot; a configuration that has this file already is to be',
    'changed by hand, as it may be there once only.',
  ];
  const value = [{ content, path: '/etc/cri/conf.d/20-customization.part', op: 'create' }];
  return [{ matter: 'images', about, sections: [{ path: ['machine', 'files'], value }] }];
}

/** Signature rules, from 1.13 on. Throws ERR_UNSUPPORTED before, and ERR_USAGE for two rules of one pattern: one would replace the other. */
export function verificationPart({ verification = [] }: NodeSettings, release: Release): Part[] {
  if (verification.length === 0) return [];
  if (settingForms(release.version, release.form).verification === undefined)
    throw unsupported(
      release.version,
      'signature rules (ImageVerificationConfig)',
      documentsSince.ImageVerificationConfig,
    );
  const rules = verification.flatMap(bothSpellings);
  const twice = rules.find((rule, index) => rules.findIndex(({ image }) => image === rule.image) !== index);
  if (twice !== undefined) {
    throw new AirgapError('ERR_USAGE', `Cannot write signature rules: two are for ${quoteText(twice.image)}`, {
      hint: 'the first rule that matches counts: keep one for each pattern',
    });
  }
  return [
    {
      matter: 'images',
      about: [
        'Which images a node runs, by their signatures: the first rule that matches counts, without one an image is allowed.',
      ],
      documents: [documentOf('ImageVerificationConfig', { rules: rules.map(ruleFields) })],
    },
  ];
}

/**
 * Docker Hub under both names: the matcher was given `index.docker.io/…` by go-containerregistry and is given `docker.io/…` in later
 * releases (siderolabs/talos, pkg/machinery/resources/security/image_verification_rule.go).
 */
function bothSpellings(rule: VerificationRule): VerificationRule[] {
  const hub = /^(?:registry-1\.|index\.)?docker\.io\/(.*)$/.exec(rule.image);
  if (hub === null) return [rule];
  return ['docker.io', 'index.docker.io'].map((host) => ({ ...rule, image: `${host}/${hub[1] ?? ''}` }));
}

function ruleFields({ image, verifier }: VerificationRule): unknown {
  if (verifier.kind === 'deny') return { image, deny: true };
  if (verifier.kind === 'skip') return { image, skip: true };
  if (verifier.kind === 'publicKey') return { image, publicKey: { certificate: verifier.certificate } };
  const { issuer, subject, subjectRegex } = verifier;
  const keyless = subjectRegex === undefined ? { issuer, subject } : { issuer, subjectRegex };
  return { image, keyless };
}

/** What is to be known about the rules: where they cannot work. */
export function verificationWarnings({ verification = [] }: NodeSettings, version: TalosVersion): string[] {
  const kinds = new Set(verification.map(({ verifier }) => verifier.kind));
  const keys =
    kinds.has('publicKey') && !hasWorkingKeyRules(version)
      ? [
          `Talos ${printTalosVersion(version)} refuses every image that a public key rule is for (siderolabs/talos#13886): use v1.13.8, v1.14.0 or later`,
        ]
      : [];
  const keyless = kinds.has('keyless')
    ? [
        'keyless rules need https://tuf-repo-cdn.sigstore.dev: behind an air gap they refuse every image; sign with an own key and use --verify-public-key',
      ]
    : [];
  return [...keys, ...keyless];
}
