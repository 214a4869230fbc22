/** Platforms, printed as `os/architecture[/variant]` (OCI image-spec v1.1, image-index.md "platform"). */
import { AirgapError } from '../errors.ts';

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

const word = /^[a-z0-9_.-]+$/;

/** Reads `linux/amd64` or `linux/arm/v7`. Throws ERR_USAGE. */
export function parsePlatform(text: string): Platform {
  const parts = text.trim().toLowerCase().split('/');
  const [os, architecture, variant] = parts;
  if (parts.length > 3 || os === undefined || architecture === undefined || !parts.every((part) => word.test(part))) {
    throw new AirgapError('ERR_USAGE', `Cannot read platform ${JSON.stringify(text)}`, {
      hint: 'write it as os/architecture or os/architecture/variant, for example linux/amd64',
    });
  }
  return variant === undefined ? { os, architecture } : { os, architecture, variant };
}

export function printPlatform(platform: Platform): string {
  const base = `${platform.os}/${platform.architecture}`;
  return platform.variant === undefined ? base : `${base}/${platform.variant}`;
}

/** The platform an image's config names (OCI image-spec v1.1, config.md "Properties"): a parsed config, which may be anything. */
export function platformInConfig(config: unknown): Platform | undefined {
  if (typeof config !== 'object' || config === null) return undefined;
  const { os, architecture, variant } = config as Readonly<Record<string, unknown>>;
  if (typeof os !== 'string' || typeof architecture !== 'string' || os === '' || architecture === '') return undefined;
  return typeof variant === 'string' && variant !== '' ? { os, architecture, variant } : { os, architecture };
}

/** The same of a config's bytes; undefined for what is no JSON as well. */
export function platformInConfigBytes(bytes: Uint8Array): Platform | undefined {
  try {
    return platformInConfig(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return undefined;
  }
}

/** The attestation children of BuildKit carry this platform. */
export function isUnknownPlatform(platform: Platform): boolean {
  return platform.os === 'unknown' || platform.architecture === 'unknown';
}

/** True when content for `offered` runs where `wanted` is asked; a variant is compared only if it was asked for. arm64 means arm64/v8. */
export function platformMatches(wanted: Platform, offered: Platform): boolean {
  if (wanted.os !== offered.os || wanted.architecture !== offered.architecture) return false;
  return wanted.variant === undefined || variantOf(wanted) === variantOf(offered);
}

function variantOf(platform: Platform): string | undefined {
  return platform.architecture === 'arm64' ? (platform.variant ?? 'v8') : platform.variant;
}
