/** FortiOS commands: entries of tables, and policies. */
import type { Family } from './addresses.ts';

/** A policy. */
export interface PolicyEntry {
  readonly name: string;
  readonly family: Family;
  readonly action: 'accept' | 'deny';
  readonly source: string;
  readonly destinations: readonly string[];
  readonly service: string;
}

/** `edit 0` takes the next free number (FortiOS 6.0 handbook, policy names). */
export function policyEntry({ name, family, action, source, destinations, service }: PolicyEntry): string[] {
  const six = family === 6 ? '6' : '';
  return [
    '    edit 0',
    `        set name "${name}"`,
    '        set srcintf "any"',
    '        set dstintf "any"',
    `        set action ${action}`,
    `        set srcaddr${six} "${source}"`,
    `        set dstaddr${six} ${destinations.map((one) => `"${one}"`).join(' ')}`,
    '        set schedule "always"',
    `        set service "${service}"`,
    '        set logtraffic all',
    '    next',
  ];
}

/** `firewall address`, of IPv6 `firewall address6`. */
export function table(kind: 'address' | 'addrgrp', family: Family): string {
  return `firewall ${kind}${family === 6 ? '6' : ''}`;
}

/** A table and its entries: name, then lines. Empty without entries. */
export function section(title: string, entries: readonly (readonly string[])[]): string {
  if (entries.length === 0) return '';
  const lines = entries.flatMap(([name = '', ...rest]) => [
    `    edit "${name}"`,
    ...rest.map((line) => `        ${line}`),
    '    next',
  ]);
  return [`config ${title}`, ...lines, 'end', ''].join('\n');
}
