/** Network namespaces that belong to one run of the tests: made as root with `ip netns`, gone when it ends. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { output, skipsNothing } from './programs.ts';

const prefix = 'airgap-egress-';
/** Where `ip netns exec` takes files from that stand in /etc of the namespace. */
const etcFolder = '/etc/netns';

/** Why namespaces cannot be made here, in one plain sentence; undefined when they can. */
export function namespacesMissing(): string | undefined {
  if (skipsNothing) return undefined;
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    return 'skipped because only root makes network namespaces';
  const made = spawnSync('unshare', ['-n', 'true']);
  return made.status === 0 ? undefined : 'skipped because network namespaces are not allowed here';
}

export interface Link {
  readonly between: readonly [string, string];
  /** Of each end, IPv4 first, with its length: `10.77.1.1/24`. */
  readonly addresses: readonly [readonly string[], readonly string[]];
}

/** Names are short ones of the test's own; the system sees them with this process's id. */
export class Namespaces {
  readonly #names: readonly string[];
  readonly #atExit = () => this.#removeAll();

  private constructor(names: readonly string[]) {
    this.#names = names;
  }

  /** Makes them, with the loopback device up, after taking away what killed runs left. */
  static async make(names: readonly string[]): Promise<Namespaces> {
    removeLeftovers();
    const made = new Namespaces(names);
    process.once('exit', made.#atExit);
    for (const name of names) {
      await output(['ip', 'netns', 'add', made.systemName(name)]);
      await made.configure(name, ['link set lo up']);
    }
    return made;
  }

  systemName(name: string): string {
    return `${prefix}${process.pid}-${name}`;
  }

  /** What runs a command there. */
  command(name: string, command: readonly string[]): string[] {
    return ['ip', 'netns', 'exec', this.systemName(name), ...command];
  }

  /** Lines for `ip` there: `route add default via 10.77.1.1`. */
  async configure(name: string, lines: readonly string[]): Promise<void> {
    await output(['ip', '-n', this.systemName(name), '-batch', '-'], { input: `${lines.join('\n')}\n` });
  }

  /** Both ends are named after the other one: `to-router`. */
  async link({ between: [one, other], addresses }: Link): Promise<void> {
    const ends = [`to-${other} netns ${this.systemName(one)}`, `to-${one} netns ${this.systemName(other)}`] as const;
    await output(['ip', ...`link add ${ends[0]} type veth peer name ${ends[1]}`.split(' ')]);
    for (const [name, peer, own] of [
      [one, other, addresses[0]],
      [other, one, addresses[1]],
    ] as const) {
      await this.configure(name, [
        ...own.map((address) => `address add ${address} dev to-${peer}${address.includes(':') ? ' nodad' : ''}`),
        `link set to-${peer} up`,
      ]);
    }
  }

  /** Whom programs there ask for names. */
  askForNames(name: string, servers: readonly string[]): void {
    const folder = join(etcFolder, this.systemName(name));
    mkdirSync(folder, { recursive: true });
    // A question that nobody answers is not worth the ten seconds the system's resolver gives it.
    const lines = [...servers.map((server) => `nameserver ${server}`), 'options timeout:1 attempts:2'];
    writeFileSync(join(folder, 'resolv.conf'), `${lines.join('\n')}\n`);
  }

  /** Ends what still runs there and takes them away. */
  remove(): void {
    process.off('exit', this.#atExit);
    this.#removeAll();
  }

  #removeAll(): void {
    for (const name of this.#names) removeNamespace(this.systemName(name));
  }
}

function removeLeftovers(): void {
  const listed = spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' }).stdout.split('\n');
  const names = new Set([...listed.map((line) => line.split(' ', 1)[0] ?? ''), ...foldersIn(etcFolder)]);
  for (const name of names) {
    const pid = name.startsWith(prefix) ? Number.parseInt(name.slice(prefix.length), 10) : Number.NaN;
    if (Number.isInteger(pid) && !isAlive(pid)) removeNamespace(name);
  }
}

function removeNamespace(name: string): void {
  const running = spawnSync('ip', ['netns', 'pids', name], { encoding: 'utf8' }).stdout;
  for (const pid of running.split('\n').map(Number)) {
    if (pid > 0 && isAlive(pid)) process.kill(pid, 'SIGKILL');
  }
  spawnSync('ip', ['netns', 'delete', name]);
  rmSync(join(etcFolder, name), { recursive: true, force: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
