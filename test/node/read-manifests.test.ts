import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAirgapError } from '../../src/errors.ts';
import { readManifests } from '../../src/node/read-manifests.ts';

const read = (...texts: readonly string[]) =>
  readManifests(texts.map((text, index) => ({ name: index === 0 ? 'base.yaml' : `patch${index}.yaml`, text })));

const block = (text: string, blanks: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => `${blanks}${line}`)
    .join('\n');

const deployment = `apiVersion: apps/v1
kind: Deployment
spec:
  template:
    spec:
      initContainers:
        - name: wait
          image: busybox:1.37
      containers:
        - name: main
          image: quay.io/site/main:v1
        - name: again
          image: quay.io/site/main:v1
        - name: without
      volumes:
        - name: model
          image:
            reference: quay.io/site/model:v2
`;

describe('readManifests()', () => {
  it('finds the images of containers and image volumes in every document of an inline manifest, each once', () => {
    const contents = `${deployment}---\nkind: List\nitems:\n  - kind: Pod\n    spec: {ephemeralContainers: [{image: "quay.io/site/debug:1"}]}\n`;
    const text = `machine:\n  type: controlplane\ncluster:\n  inlineManifests:\n    - name: app\n      contents: |\n${block(contents, '        ')}\n`;
    expect(read(text)).toEqual([
      {
        what: 'inline manifest',
        name: 'app',
        origin: { document: 'base.yaml', line: 6 },
        images: {
          pulled: ['quay.io/site/main:v1', 'busybox:1.37', 'quay.io/site/model:v2', 'quay.io/site/debug:1'],
          other: [],
        },
      },
    ]);
  });

  it('finds those of static pods, and of the documents that take their place in Talos 1.14', () => {
    const pod = 'metadata: {name: lb}\nspec:\n  containers:\n    - image: quay.io/site/lb:1\n';
    const documents = `---\napiVersion: v1alpha1\nkind: KubeInlineManifestConfig\nname: app\nmanifest: |\n${block(deployment, '  ')}\n---\napiVersion: v1alpha1\nkind: KubeStaticPodConfig\nname: other\npod:\n${block(pod, '  ')}\n`;
    const found = read(`machine:\n  pods:\n    -\n${block(pod, '      ')}\n${documents}`);
    expect(found.map(({ what, name, images }) => [what, name, images?.pulled.length])).toEqual([
      ['static pod', 'lb', 1],
      ['inline manifest', 'app', 3],
      ['static pod', 'other', 1],
    ]);
  });

  it('takes manifests out of patches too, with the file they stand in', () => {
    const manifest = (name: string) =>
      `cluster:\n  inlineManifests:\n    - name: ${name}\n      contents: "spec: {containers: [{image: ${name}:1}]}"\n`;
    const found = read(manifest('one'), manifest('two'));
    expect(found.map(({ name, origin }) => [name, origin.document])).toEqual([
      ['one', 'base.yaml'],
      ['two', 'patch1.yaml'],
    ]);
  });

  it('tells texts under "image" elsewhere apart: those of custom resources, not the schemas of their definitions', () => {
    const contents = `kind: Prometheus\nspec:\n  image: quay.io/prometheus/prometheus:v3\n---\nkind: CustomResourceDefinition\nspec:\n  properties:\n    image: {type: string}\n    containers: {items: {properties: {image: {type: string}}}}\n`;
    const [found] = read(
      `cluster:\n  inlineManifests:\n    - name: app\n      contents: |\n${block(contents, '        ')}\n`,
    );
    expect(found?.images).toEqual({ pulled: [], other: ['quay.io/prometheus/prometheus:v3'] });
  });

  it('says that a template or anything else that is no YAML was not read', () => {
    const [found] = read(
      'cluster:\n  inlineManifests:\n    - name: app\n      contents: |\n        {{- if .x }}\n        a: [\n',
    );
    expect([found?.name, found?.images]).toEqual(['app', undefined]);
  });

  it('stands any manifest', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.json(), fc.constantFrom('[', '{'.repeat(9999), 'a: &a [*a]')),
        (contents) => {
          const inline = JSON.stringify({ cluster: { inlineManifests: [{ name: 'x', contents }] } });
          try {
            expect(read(inline).length).toBeLessThanOrEqual(1);
          } catch (error) {
            if (!isAirgapError(error)) throw error;
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
