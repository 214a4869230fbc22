/** The program nft, which reads and changes the kernel's rules. */
import { spawn } from 'node:child_process';
import { delimiter, isAbsolute } from 'node:path';
import { setsIn } from '../../egress/firewall/nft-refresh.ts';
import { nftTable } from '../../egress/firewall/sets.ts';
import { AirgapError } from '../../errors.ts';
import type { Context } from '../context.ts';
import { usageError } from '../values.ts';

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A transaction takes milliseconds; what takes longer hangs. */
const timeoutMs = 20_000;

/** Names of the sets that are loaded. Throws ERR_USAGE where nft, the right to use it, or the table is missing. */
export async function loadedSets({ env }: Pick<Context, 'env'>): Promise<ReadonlySet<string>> {
  const table = `${nftTable.family} ${nftTable.name}`;
  const ended = await nft(['--terse', 'list', 'table', nftTable.family, nftTable.name], { env, input: '' });
  if (ended.status === 0) return setsIn(ended.stdout);
  if (/no such file or directory/i.test(ended.stderr)) {
    throw usageError(
      `Cannot fill the sets: there is no nftables table "${table}" here`,
      'load the rules first: airgap egress ... --format nftables --output egress.nft, then nft -f egress.nft',
    );
  }
  throw failed(ended);
}

/** Runs commands as one transaction. Throws ERR_USAGE, and nothing of it counts, where nft refuses. */
export async function runTransaction(text: string, { env }: Pick<Context, 'env'>): Promise<void> {
  const ended = await nft(['-f', '-'], { env, input: text });
  if (ended.status !== 0) throw failed(ended);
}

function failed({ status, stderr }: Ended): AirgapError {
  const said = stderr.trim().split('\n')[0]?.slice(0, 300) ?? '';
  if (/not permitted|permission denied/i.test(stderr)) {
    return usageError('Cannot run "nft": only root may use it', 'run this as root, or print the commands with --print');
  }
  const state = said === '' ? `it ended with ${status ?? 'a signal'}` : said;
  return usageError(`Cannot run "nft": ${state}`, 'load the rules again, with the same options as here');
}

/** Folders by their whole path: this runs as root, and whatever lies in the folder it is called in may be anybody's. */
function pathOf({ PATH = '' }: Context['env']): string {
  const folders = PATH.split(delimiter).filter((folder) => isAbsolute(folder));
  return folders.length === 0 ? '/usr/sbin:/usr/bin:/sbin:/bin' : folders.join(delimiter);
}

function nft(
  args: readonly string[],
  { env, input }: { readonly env: Context['env']; readonly input: string },
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    // A group of its own: Ctrl-C in a terminal ends this program, not a transaction of nft. Of the environment, which may hold
    // passwords, it gets where it is found alone.
    const child = spawn('nft', args, { env: { PATH: pathOf(env), LC_ALL: 'C' }, timeout: timeoutMs, detached: true });
    const said = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        said[name] += text;
      });
    }
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    child.once('close', (status) => resolve({ status, ...said }));
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') reject(new AirgapError('ERR_USAGE', 'Cannot run "nft"', { cause: error }));
      else
        reject(
          usageError(
            'Cannot run "nft": it is not on PATH',
            'install nftables, or print the commands with --print, for another machine or another program',
          ),
        );
    });
  });
}
