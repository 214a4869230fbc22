/** A real docker-registry (Debian's package) on a free port of loopback, with its access log. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type AccessLogEntry, parseAccessLog } from './accessLog.ts';
import type { Certificates } from './certificates.ts';
import type { TokenService } from './tokenService.ts';

/** The one user of a registry with `auth: 'htpasswd'`. */
export const registryUser = { name: 'airgap', password: 'correct horse' };
/** The same user as htpasswd writes it: bcrypt, which is all docker-registry reads. */
const htpasswdLine = 'airgap:$2y$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2\n';

export interface DockerRegistryOptions {
  readonly tls?: Certificates;
  /** Default: open to everybody. */
  readonly auth?: 'htpasswd' | TokenService;
  /** Another registry's storage, served as well; it stays when this registry stops. Default: a new, empty one. */
  readonly storage?: string;
}

export interface DockerRegistry {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** With its scheme, nothing after the port. */
  readonly url: string;
  readonly storage: string;
  /** Everything asked of it since it first started, or since the last `forget()`. */
  log(): Promise<AccessLogEntry[]>;
  forget(): Promise<void>;
  /** Ends it at once, as a power cut would. */
  kill(): Promise<void>;
  /** Starts it again on the same port with the same storage. */
  restart(): Promise<void>;
  /** Ends it and removes its storage. */
  stop(): Promise<void>;
}

export async function startDockerRegistry(options: DockerRegistryOptions = {}): Promise<DockerRegistry> {
  const folder = await mkdtemp(join(tmpdir(), 'airgap-registry-'));
  const storage = options.storage ?? join(folder, 'storage');
  await mkdir(storage, { recursive: true });
  await writeFile(join(folder, 'htpasswd'), htpasswdLine);
  const port = await freePort();
  const host = `127.0.0.1:${port}`;
  const url = `${options.tls === undefined ? 'http' : 'https'}://${host}`;
  await writeFile(join(folder, 'config.yml'), configuration({ folder, storage, host, options }));

  let text = '';
  let child = await launch(folder, (chunk) => {
    text += chunk;
  });
  await untilListening(port, child);
  return {
    host,
    url,
    storage,
    log: async () => {
      // The log is written just after the answer: give the last line time to arrive.
      await wait(100);
      return parseAccessLog(text);
    },
    forget: async () => {
      await wait(100);
      text = '';
    },
    kill: () => end(child),
    restart: async () => {
      await end(child);
      child = await launch(folder, (chunk) => {
        text += chunk;
      });
      await untilListening(port, child);
    },
    stop: async () => {
      await end(child);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface ConfigurationParts {
  readonly folder: string;
  readonly storage: string;
  readonly host: string;
  readonly options: DockerRegistryOptions;
}

/** JSON is YAML too. */
function configuration({ folder, storage, host, options }: ConfigurationParts): string {
  return JSON.stringify({
    version: '0.1',
    log: { level: 'error' },
    storage: {
      filesystem: { rootdirectory: storage },
      delete: { enabled: true },
      cache: { blobdescriptor: 'inmemory' },
    },
    http: {
      addr: host,
      secret: 'test',
      ...(options.tls === undefined ? {} : { tls: { certificate: options.tls.certificate, key: options.tls.key } }),
    },
    ...authentication(folder, options.auth),
  });
}

function authentication(folder: string, auth: DockerRegistryOptions['auth']): object {
  if (auth === undefined) return {};
  if (auth === 'htpasswd') return { auth: { htpasswd: { realm: 'test', path: join(folder, 'htpasswd') } } };
  const { realm, service, issuer, certificatePath } = auth;
  return { auth: { token: { realm, service, issuer, rootcertbundle: certificatePath } } };
}

async function launch(folder: string, onText: (chunk: string) => void): Promise<ChildProcess> {
  const child = spawn('docker-registry', ['serve', join(folder, 'config.yml')], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.setEncoding('utf8').on('data', onText);
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    complaint = (complaint + chunk).slice(-4000);
  });
  child.once('exit', (code) => {
    if (code !== null && code !== 0) console.error(`docker-registry ended with ${code}\n${complaint}`);
  });
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGKILL');
  await gone;
}

/** A port of loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

/** Waits until something listens on a port of loopback; fails when the process that should do it is gone. */
export async function untilListening(port: number, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if (child.exitCode !== null) throw new Error(`nothing was started on port ${port}`);
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (open) return;
    await wait(50);
  }
  throw new Error(`nothing listens on port ${port}`);
}
