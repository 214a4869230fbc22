import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { isAirgapError } from '../../src/errors.ts';
import { parseSpec } from '../../src/spec/parse.ts';
import { printSpec } from '../../src/spec/print.ts';
import { printSpecSchema, specSchema } from '../../src/spec/schema.ts';
import { specGroups } from '../../src/spec/spec.ts';
import { specDocument } from './arbitraries.ts';

const published = fileURLToPath(new URL('../../schema/airgap.schema.json', import.meta.url));
const valid = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true }).compile(specSchema());

/** What the parser says of a document, or nothing where it takes it. */
function refusal(text: string): string | undefined {
  try {
    parseSpec('airgap.yaml', text);
    return undefined;
  } catch (error) {
    if (isAirgapError(error) && error.code === 'ERR_INPUT_INVALID') return error.message;
    throw error;
  }
}

describe('specSchema()', () => {
  it('is what schema/airgap.schema.json has (node scripts/write-schema.mjs writes it)', () => {
    expect(readFileSync(published, 'utf8')).toBe(printSpecSchema());
  });

  it('takes what the parser takes', () => {
    fc.assert(
      fc.property(specDocument(0), (document) => {
        expect(refusal(stringify(document))).toBeUndefined();
        expect([valid(document), valid.errors]).toEqual([true, null]);
      }),
      { numRuns: 150 },
    );
  });

  it('takes the examples of the page, a new file, and one that answers everything', () => {
    const page = readFileSync(fileURLToPath(new URL('../../docs/airgap-yaml.md', import.meta.url)), 'utf8');
    const examples = [...page.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, text]) => text ?? '');
    const every = specGroups.map(({ name, keys }) =>
      [`${name}:`, ...keys.map((key) => `  ${key.name}: ${key.example}`)].join('\n'),
    );
    const files = [...examples, printSpec(new Map(), { schema: './x.json' }), ['version: 1', ...every].join('\n')];
    for (const file of files) {
      expect(refusal(file)).toBeUndefined();
      expect([valid(parse(file)), valid.errors]).toEqual([true, null]);
    }
  });

  it('and refuses what the parser refuses', () => {
    let refused = 0;
    fc.assert(
      fc.property(specDocument(1), (document) => {
        const state = refusal(stringify(document));
        if (state !== undefined) refused += 1;
        expect([valid(document), state]).toEqual([state === undefined, state]);
      }),
      { numRuns: 400 },
    );
    expect(refused).toBeGreaterThan(50);
  });
});
