/** The options and the help of `airgap egress`. */
import { Command } from 'commander';
import { addEndpointOption, addIsolationOptions } from '../emitting/options.ts';
import { addExtraOptions } from '../extras/options.ts';
import type { Flags } from '../flags.ts';
import {
  addConnectionOptions,
  addImageOptions,
  addLockOption,
  addOutputOptions,
  addSourceOptions,
  addTargetOptions,
  nameHidden,
  repeatable,
} from '../options.ts';
import { addFileOption } from '../spec/file-option.ts';
import { inputHelp, type Wiring } from './wiring.ts';

const actions = ['resolve', 'check'];

export function defineEgress({ act }: Wiring): Command {
  const command = new Command('egress')
    .summary('tell what the firewall must open for these images, in its own language, and check it')
    .description(
      'Lists every host and port that this job needs, by who connects, with the source of each line: the host that mirrors, the nodes ' +
        'afterwards, Omni. "resolve" looks the names up; "check" tries each destination from here, without fetching content. ' +
        'Exit status 3 when a required name has no address, 4 when something required is not open, 5 when something is open or was contacted that should not be.',
    )
    .argument('[inputs...]', `resolve or check, then the images as for mirror: ${inputHelp}; none: airgap.lock`);
  addOwnOptions(command);
  addListOptions(command);
  addActionOptions(command);
  addMirrorOptions(command);
  addFileOption(command);
  addLockOption(command);
  return addOutputOptions(command)
    .addHelpText('after', examples)
    .action((words: readonly string[], flags: Flags, own: Command) => {
      const [first = ''] = words;
      const action = actions.includes(first) ? first : 'list';
      const inputs = action === 'list' ? words : words.slice(1);
      return act(async () => (await import('../commands/egress.ts')).egress)(inputs, { ...flags, action }, own);
    });
}

function addOwnOptions(command: Command): void {
  command
    .optionsGroup('Who connects, and to what:')
    .addOption(
      repeatable(
        '--role <name>',
        'staging, nodes or omni; by commas or repeatable (default: all that the job has; staging for check and for rules of a host)',
      ),
    )
    .addOption(
      repeatable(
        '--components <names>',
        'what a service needs, without images: talos, omni, factory, discovery, chainguard, dockerhub, ghcr, quay, kubernetes, gcr, mcr, ecr-public, nvcr, sigstore, time, dns; by commas or repeatable',
      ),
    )
    .option('--omni-host <host>', 'the own Omni that nodes are managed by')
    .option('--siderolink-port <n>', 'the UDP port it advertises for SideroLink (default: 50180 and 51820)')
    .option('--observed', 'merge with what mirror really contacted, by the lock')
    .option('--no-optional', 'leave out what is optional')
    .option('--wildcards', "the vendors' wildcards in place of the exact hosts that are known");
}

function addListOptions(command: Command): void {
  command
    .optionsGroup('The list:')
    .addOption(
      repeatable(
        '--format <name>',
        'table, markdown, csv, json, html, svg; or a firewall: nftables, dnsmasq, dnsmasq-ipset, squid, cilium, network-policy, fortigate, palo-alto, aws, azure, gcp, list, no-proxy; repeatable with --output-dir (default: table)',
      ),
    )
    .option('--diagram', 'the same as --format svg: who connects to whom, on which port')
    .addOption(
      repeatable(
        '--address <role=addresses>',
        'rules for a gateway: who connects has these addresses, as in nodes=10.5.0.0/24; repeatable (default: rules for that host itself)',
      ),
    )
    .option('--look-up', 'look the names up for formats that hold addresses (nftables)')
    .option('--stateless', 'with the return rules, for a firewall that does not follow connections')
    .option('--output <file>', 'write there (default: standard output)')
    .option('--output-dir <dir>', 'write there, one file or several for each --format');
}

function addActionOptions(command: Command): void {
  command
    .optionsGroup('resolve and check:')
    .addOption(
      repeatable(
        '--resolver <address>',
        'the name server to ask, as 10.0.0.2 or 10.0.0.2:53; repeatable (default: those of this machine)',
      ),
    )
    .option('--watch', 'resolve: keep the nftables sets filled, anew before the shortest TTL ends')
    .option(
      '--grace <duration>',
      'resolve --watch, --look-up: how long an address stays in a set after its TTL (default: 10m)',
    )
    .option('--print', 'resolve --watch: print what nft would be given, and run nothing')
    .option('--connect-timeout <duration>', 'for each of name, connection, TLS and answer (default: 3s)')
    .option('--assert-closed', 'check: nothing but the listed destinations may answer');
}

/** What mirror takes, so that the same command line can be typed. Its help explains them; shown are those that say which images. */
function addMirrorOptions(command: Command): void {
  addImageOptions(command);
  addExtraOptions(command);
  command.optionsGroup('Which images:');
  const before = command.options.length;
  addTargetOptions(command);
  addSourceOptions(command);
  addEndpointOption(command);
  addIsolationOptions(command);
  command.option('--talos-version <version>', 'the release the nodes run (default: that of --talos)');
  addConnectionOptions(command);
  const options = command.options.slice(before).filter(({ long }) => !shown.includes(long ?? ''));
  nameHidden(command, {
    options,
    introduction: 'What "airgap mirror --help" and "airgap emit --help" say counts here too',
  });
}

const shown = [
  '--to',
  '--from',
  '--source-endpoint',
  '--endpoint',
  '--ntp',
  '--dns',
  '--no-discovery',
  '--discovery',
  '--ca',
  '--talos-version',
];

const examples = `
An image named "check" or "resolve" is written in full: docker.io/library/check; a file of that name ./check.

Examples:
  airgap egress --talos v1.14.4 --to 10.5.0.1:6000               before anything is mirrored
  airgap egress --talos v1.14.4 --role nodes --endpoint http://10.5.0.1:6000 --ntp 10.0.0.1 --dns 10.0.0.2 --no-discovery
  airgap egress --observed                                       what mirror contacted, beside what was expected
  airgap egress --components omni,chainguard --format csv
  airgap egress --talos v1.14.4 --format nftables --look-up --output egress.nft
  airgap egress --talos v1.14.4 --format fortigate --address staging=10.0.0.5
  airgap egress --diagram --output egress.svg
  airgap egress resolve --watch                                  keeps the sets of these rules filled
  airgap egress check --talos v1.14.4 --to 10.5.0.1:6000         is the firewall open?
  airgap egress check --role nodes --assert-closed               and is everything else closed?`;
