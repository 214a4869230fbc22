/** Every firewall language, by the name `--format` takes. */
import type { FirewallLanguage } from './language.ts';

/** In the order of help and documentation. */
export const firewallLanguages: readonly FirewallLanguage[] = [];
