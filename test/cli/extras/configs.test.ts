import { beforeAll, describe, expect, it } from 'vitest';
import { parseLock } from '../../../src/lock/parse.ts';
import { seedImage } from '../../support/seedImages.ts';
import { kubelet, mirrorWorld, pause } from '../commands/world.ts';

const world = mirrorWorld();
const secret = 'geheim-0123456789';
const images = [
  'ghcr.io/site/installer:v1.14.4',
  'registry.k8s.io/kube-apiserver:v1.37.0',
  'registry.k8s.io/kube-controller-manager:v1.37.0',
  'registry.k8s.io/kube-scheduler:v1.37.0',
  'registry.k8s.io/kube-proxy:v1.37.0',
  'registry.k8s.io/coredns/coredns:v1.14.0',
  'registry.k8s.io/etcd:v3.7.0',
];
const [installer, apiServer, controllerManager, scheduler, proxy, coreDns, etcd] = images;

const controlPlane = `version: v1alpha1
machine:
  type: controlplane
  token: ${secret}
  install:
    image: ${installer}
  kubelet:
    image: ${kubelet}
  files:
    - path: /etc/cri/conf.d/20-customization.part
      op: create
      content: |
        [plugins]
          sandbox_image = "${pause}"
cluster:
  secret: ${secret}
  apiServer:
    image: ${apiServer}
  controllerManager:
    image: ${controllerManager}
  scheduler:
    image: ${scheduler}
  proxy:
    image: ${proxy}
  coreDNS:
    image: ${coreDns}
  etcd:
    image: ${etcd}
  network:
    cni:
      name: custom
      urls:
        - https://user:${secret}@cni.site/cilium.yaml?token=${secret}
  extraManifests:
    - https://manifests.site/metrics-server.yaml
  inlineManifests:
    - name: cilium
      contents: |
        token: ${secret}
`;

beforeAll(async () => {
  for (const image of images) await seedImage(world.upstreamStore, image, {});
});

async function mirrored(...argv: string[]) {
  const ran = await world.folder.airgap(['mirror', ...argv, ...world.from(), ...world.to()]);
  const origins = () =>
    new Map(
      parseLock(world.folder.read('airgap.lock'), 'airgap.lock').images.map(({ source, origins: by }) => [
        `${source.registry}/${source.repository}:${source.tag}`,
        by,
      ]),
    );
  return { ...ran, origins };
}

describe('--config', () => {
  it('mirrors every image a machine configuration names, each with its line, and no secret is told', async () => {
    world.folder.write('controlplane.yaml', controlPlane);
    const ran = await mirrored('--config', 'controlplane.yaml');
    expect([ran.status, ran.stderr]).toEqual([0, expect.not.stringContaining('error')]);
    const origins = ran.origins();
    expect([...origins.keys()].sort()).toEqual([...images, kubelet, pause].sort());
    expect([origins.get(installer ?? ''), origins.get(etcd ?? '')]).toEqual([
      ['controlplane.yaml:6'],
      ['controlplane.yaml:28'],
    ]);
    const everything = [
      ran.stdout,
      ran.stderr,
      world.folder.read('airgap.lock'),
      world.folder.read('airgap-talos.yaml'),
    ];
    expect(everything.join('\n')).not.toContain(secret);
    expect(ran.stderr).toContain('warning: not followed: https://cni.site/cilium.yaml (controlplane.yaml)');
    expect(ran.stderr).toContain(
      'warning: not followed: https://manifests.site/metrics-server.yaml (controlplane.yaml)',
    );
  });

  const carrying = `machine:
  type: controlplane
  pods:
    - spec: {containers: [{image: "${etcd}"}]}
cluster:
  inlineManifests:
    - name: app
      contents: |
        spec: {containers: [{image: "${proxy}"}, {image: "$IMAGE"}]}
        ---
        kind: Prometheus
        spec: {image: "quay.io/prometheus/prometheus:v3"}
        ---
        kind: Secret
        stringData: {image: ${secret}}
    - name: template
      contents: |
        {{ if .x }}
`;

  it('mirrors the images of inline manifests and static pods, and warns of what it cannot take', async () => {
    world.folder.write('c.yaml', carrying);
    const ran = await mirrored('--config', 'c.yaml');
    expect([...ran.origins()]).toEqual([
      [etcd, ['c.yaml:4']],
      [proxy, ['c.yaml:8']],
    ]);
    for (const warning of [
      'warning: the inline manifest "app" (c.yaml:8) has a container of no image: "$IMAGE"',
      'warning: not taken: the inline manifest "app" (c.yaml:8) names quay.io/prometheus/prometheus:v3 outside of containers',
      'warning: not read: the inline manifest "template" (c.yaml:17) is no YAML',
    ])
      expect(ran.stderr).toContain(warning);
    expect(ran.stderr).not.toContain(secret);
  });

  it('can be looked at first: images prints what they name, and nothing else on standard output', async () => {
    world.folder.write('c.yaml', `${carrying}  etcd:\n    image: ${etcd}\n`);
    const alone = await world.folder.airgap(['images', '--config', 'c.yaml']);
    expect([alone.status, alone.stdout]).toEqual([0, `${etcd}\n${proxy}\n`]);
    expect(alone.stderr).toContain('note: the inline manifest "app" (c.yaml:8) names 1 image');
    expect(alone.stderr).toContain('warning: not read: the inline manifest "template"');
    const json = await world.folder.airgap(['images', '--config', 'c.yaml', '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ images: [etcd, proxy], warnings: { length: 3 } });
    const both = await world.folder.airgap(['images', '--talos', 'v1.14.4', '--config', 'c.yaml']);
    expect(both.stdout.split('\n')).toHaveLength(10 + 2 + 1);
    expect(both.stderr).toContain('cluster.etcd.image is not what the release has by default');
  });

  it('lays patches over a configuration, and begins anew with the next whole one', async () => {
    world.folder.write('controlplane.yaml', `machine:\n  type: controlplane\n  kubelet:\n    image: ${etcd}\n`);
    world.folder.write('patch.yaml', `machine:\n  kubelet:\n    image: ${kubelet}\n`);
    world.folder.write('worker.yaml', `machine:\n  type: worker\n  install:\n    image: ${installer}\n`);
    const ran = await mirrored('--config', 'controlplane.yaml', '--config', 'patch.yaml', '--config', 'worker.yaml');
    expect([...ran.origins()]).toEqual([
      [kubelet, ['patch.yaml:3']],
      [installer, ['worker.yaml:4']],
    ]);
  });

  it('mirrors what the release has by default as well, and says which images are not that', async () => {
    world.folder.write(
      'c.yaml',
      `machine:\n  type: worker\n  install:\n    image: ${installer}\n  kubelet:\n    image: ${kubelet}\n`,
    );
    const ran = await world.folder.airgap([
      'plan',
      '--talos',
      'v1.14.4',
      '--config',
      'c.yaml',
      ...world.from(),
      ...world.to(),
    ]);
    expect(ran.stderr).toContain('note: c.yaml:4: machine.install.image is not what the release has by default');
    expect(ran.stderr).not.toContain('machine.kubelet.image is not');
    expect(ran.stderr).toContain('factory.talos.dev/metal-installer/');
  });

  it('reads a configuration of many keys in time linear in their number', async () => {
    const keys = Array.from({ length: 60_000 }, (_, at) => `    k${at}: x\n`).join('');
    world.folder.write(
      'many.yaml',
      `machine:\n  type: worker\n  install:\n    image: ${installer}\n  sysctls:\n${keys}`,
    );
    const before = performance.now();
    const ran = await mirrored('--config', 'many.yaml');
    expect(ran.status).toBe(0);
    // With a search for double keys in each reader: half a minute.
    expect(performance.now() - before).toBeLessThan(15_000);
  });

  it.each([
    [
      'machine:\n  type: worker\n  kubelet:\n    image: "Not An Image"\n',
      'c.yaml:4: "machine.kubelet.image" names no image: "Not An Image"',
    ],
    [
      `machine:\n  type: worker\n  kubelet:\n    image: "user:${secret}@host/x"\n`,
      'c.yaml:4: "machine.kubelet.image" names no image',
    ],
    ['machine: [\n', 'c.yaml'],
    ['a: &a [1]\nb: [*missing]\n', 'c.yaml'],
  ])('refuses %j with file and line', async (text, message) => {
    world.folder.write('c.yaml', text);
    const ran = await mirrored('--config', 'c.yaml');
    expect([ran.status, ran.stderr]).toEqual([2, expect.stringContaining(message)]);
    expect(ran.stderr).not.toContain(secret);
    expect(ran.stderr).not.toContain('defect');
  });
});
