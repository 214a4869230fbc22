import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { isAirgapError } from '../../src/errors.ts';
import { parseSpec } from '../../src/spec/parse.ts';
import { printSpecSchema, specSchema } from '../../src/spec/schema.ts';
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
