/** The programs that are compared, each given the same work in its own words. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../dist/bin/airgap.js', import.meta.url));

/**
 * A tool's `prepare({ folder, source, target, set })` writes what the tool needs into the empty `folder` and gives the command to run there,
 * with its environment. `source` and `target` are `host:port`.
 */
export const tools = {
  airgap: { needs: 'node', prepare: (work) => airgap(work, []) },
  'airgap, 16 at once': {
    needs: 'node',
    prepare: (work) => airgap(work, ['--source-concurrency', '16', '--target-concurrency', '16']),
  },
  'airgap, no signatures': { needs: 'node', prepare: (work) => airgap(work, ['--no-signatures']) },
  'skopeo x4': {
    needs: 'skopeo',
    prepare: (work) =>
      each(work, 4, 'skopeo copy --quiet --all --src-tls-verify=false --dest-tls-verify=false docker://{} docker://{}'),
  },
  'skopeo x1': {
    needs: 'skopeo',
    prepare: (work) =>
      each(work, 1, 'skopeo copy --quiet --all --src-tls-verify=false --dest-tls-verify=false docker://{} docker://{}'),
  },
  'crane x4': { needs: 'crane', prepare: (work) => each(work, 4, 'crane copy --insecure {} {}') },
  'regctl x4': {
    needs: 'regctl',
    prepare: (work) => ({ ...each(work, 4, 'regctl image copy {} {}'), env: { REGCTL_CONFIG: plainHosts(work) } }),
  },
  regsync: { needs: 'regsync', prepare: regsync },
  'oras x4': {
    needs: 'oras',
    prepare: (work) => each(work, 4, 'oras cp --no-tty --from-plain-http --to-plain-http {} {}'),
  },
  /** The floor: every blob once, to nowhere, over four kept connections. */
  'curl, download alone': { needs: 'curl', floor: true, prepare: curl },
};

export function isHere({ needs }) {
  return spawnSync('sh', ['-c', `command -v ${needs}`]).status === 0;
}

export function versionOf({ needs }) {
  const [command, ...args] = {
    skopeo: ['skopeo', '--version'],
    curl: ['curl', '--version'],
    node: ['node', program, '--version'],
  }[needs] ?? [needs, 'version'];
  const { stdout } = spawnSync(command, args, { encoding: 'utf8' });
  return /v?\d+\.\d+\.\d+\S*/.exec(stdout ?? '')?.[0] ?? '';
}

function airgap({ folder, source, target, set }, more) {
  writeFileSync(join(folder, 'images.txt'), `${set.images.map(({ reference }) => reference).join('\n')}\n`);
  const ends = ['--to', `http://${target}`, '--source-endpoint', `*=http://${source}`];
  return { command: [process.execPath, program, 'mirror', 'images.txt', ...ends, '--quiet', ...more] };
}

/** One process per image, so many at a time. `{}` stands for source and then target. */
function each({ folder, source, target, set }, parallel, template) {
  const lines = set.images.map(({ path, tag }) => `${source}/${path}:${tag} ${target}/${path}:${tag}`);
  writeFileSync(join(folder, 'pairs'), `${lines.join('\n')}\n`);
  const [before, between, after] = template.split('{}');
  const script = `${before}"$1"${between}"$2"${after}`;
  return { command: ['xargs', '-a', 'pairs', '-P', String(parallel), '-n', '2', 'sh', '-c', script, 'sh'] };
}

function plainHosts({ folder, source, target }) {
  const file = join(folder, 'regctl.json');
  writeFileSync(file, JSON.stringify({ hosts: { [source]: { tls: 'disabled' }, [target]: { tls: 'disabled' } } }));
  return file;
}

function regsync({ folder, source, target, set }) {
  const sync = set.images.map(({ path, tag }) => ({
    source: `${source}/${path}:${tag}`,
    target: `${target}/${path}:${tag}`,
    type: 'image',
  }));
  const creds = [source, target].map((registry) => ({ registry, tls: 'disabled' }));
  writeFileSync(join(folder, 'sync.yml'), JSON.stringify({ version: 1, creds, defaults: { parallel: 4 }, sync }));
  return { command: ['regsync', 'once', '-c', 'sync.yml'] };
}

function curl({ folder, source, set }) {
  const bySize = [...set.blobs].sort((a, b) => b.size - a.size);
  const lines = bySize.map(
    ({ digest, repository }) => `url = "http://${source}/v2/${repository}/blobs/${digest}"\noutput = "/dev/null"`,
  );
  writeFileSync(join(folder, 'blobs'), `${lines.join('\n')}\n`);
  return {
    command: ['curl', '--silent', '--show-error', '--fail', '--parallel', '--parallel-max', '4', '--config', 'blobs'],
  };
}
