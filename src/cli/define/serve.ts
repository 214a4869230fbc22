/** The options and the help of `airgap serve`. */
import { Command } from 'commander';
import { addOutputOptions, repeatable } from '../options.ts';
import type { Wiring } from './wiring.ts';

export function defineServe({ act }: Wiring): Command {
  const command = new Command('serve')
    .summary('serve a directory or a bundle as a registry, for nodes to pull from')
    .description(
      'Serves what "airgap mirror" wrote (a directory, a bundle, the volumes of a set) as a registry, without unpacking, until ' +
        'Ctrl-C. Writes the Talos configuration that makes nodes ask there. In a browser, its address is a page.',
    )
    .argument(
      '[location]',
      'oci:DIR, bundle:FILE, bundle:DIR/ with volumes, image-cache:DIR, or the path of one of them (default: airgap-mirror)',
    )
    .optionsGroup('Serving:')
    .option(
      '--listen <address>',
      'address and port; :6000 is every address (default: 127.0.0.1:6000, this machine alone)',
    )
    .option('--writable', 'take pushes and deletions too; of a directory alone, which is made where it is absent')
    .option('--verify-key <file>', 'PEM public key that the bundle must be signed with');
  addSecurityOptions(command);
  addPatchOptions(command);
  command
    .optionsGroup('Output:')
    .option('--log', 'one line per request on standard error')
    .option('--log-format <format>', 'text, or json (default: text; with --json json); means --log too');
  return addOutputOptions(command)
    .addHelpText('after', examples)
    .action(act(async () => (await import('../commands/serve.ts')).serve));
}

function addSecurityOptions(command: Command): void {
  command
    .optionsGroup('TLS and users:')
    .option(
      '--tls-cert <file>',
      'PEM certificate, those between it and its authority after it; read again when it changes',
    )
    .option('--tls-key <file>', 'PEM key of the certificate')
    .option(
      '--self-signed',
      'make a certificate authority and a certificate, which the Talos configuration has nodes trust',
    )
    .addOption(repeatable('--tls-name <name>', 'one more DNS name or address for that certificate; repeatable'))
    .option('--tls-dir <dir>', 'where they are kept, for the next start (default: airgap-tls)')
    .option(
      '--htpasswd <file>',
      'users and their bcrypt passwords, as "htpasswd -B" writes them; read again when it changes',
    )
    .option('--anonymous-read', 'with --htpasswd: reading needs no user');
}

function addPatchOptions(command: Command): void {
  command
    .optionsGroup('The Talos configuration:')
    .option('--endpoint <url>', 'the address nodes will use, where it is not the one it listens on')
    .option('--talos <version>', 'the release it is for (default: that of the bundle, else the newest known)')
    .option('--patch <file>', 'write it there (default: airgap-serve-talos.yaml)')
    .option('--no-patch', 'do not write it');
}

const examples = `
Examples:
  airgap serve                                       ./airgap-mirror, for this machine alone
  airgap serve --listen :6000                        for the nodes, on every address
  airgap serve bundle:talos-1.14.tar --listen :6000  from the medium it came on, without unpacking
  airgap serve /media/usb/ --listen :6000            the volumes in a directory
  airgap serve --listen :6000 --self-signed          with TLS; the Talos configuration carries the authority
  airgap serve oci:images --listen :6000 --writable --htpasswd users --self-signed
  talosctl patch mc --nodes 10.5.0.2 --patch @airgap-serve-talos.yaml`;
