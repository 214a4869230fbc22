/** The JSON schema of airgap.yaml, for editors: the same as the parser takes, but for what only references and paths can tell. */
import type { Key } from './key.ts';
import { specGroups, specVersion } from './spec.ts';

/** Longest text in characters, and most entries of a list or of pairs. */
export const specLimits = { text: 4096, entries: 10_000, count: 1_000_000 } as const;

/** What a text may look like: something, on one line. */
export const textPattern = '^[^\\u0000-\\u001f\\u007f]*[^\\u0000-\\u0020\\u007f][^\\u0000-\\u001f\\u007f]*$';

type Schema = Readonly<Record<string, unknown>>;

/** JSON Schema draft 7, the one that yaml-language-server reads best. A fresh object each time, keys in a fixed order. */
export function specSchema(): Schema {
  const groups = specGroups.map(({ name, says, keys }) => [
    name,
    {
      description: says,
      // A group whose keys are all commented out is null.
      type: ['object', 'null'],
      additionalProperties: false,
      properties: Object.fromEntries(keys.map((key) => [key.name, keySchema(key)])),
    },
  ]);
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'airgap.yaml',
    description: 'What airgap mirrors, from where to where, and what nodes are told.',
    type: 'object',
    required: ['version'],
    additionalProperties: false,
    properties: {
      version: { description: 'Version of this format.', const: specVersion },
      ...Object.fromEntries(groups),
    },
  };
}

/** The schema as the file is published: JSON with two blanks per level and a newline at the end. */
export function printSpecSchema(): string {
  return `${JSON.stringify(specSchema(), null, 2)}\n`;
}

function keySchema(key: Key): Schema {
  return { description: key.says, ...valueSchema(key) };
}

function valueSchema({ kind, values }: Key): Schema {
  const text: Schema =
    values === undefined ? { type: 'string', maxLength: specLimits.text, pattern: textPattern } : { enum: values };
  switch (kind) {
    case 'text':
      return text;
    case 'texts':
      return several(text);
    case 'switch':
      return { type: 'boolean' };
    case 'count':
      return { type: 'integer', minimum: 0, maximum: specLimits.count };
    case 'optional':
      return { anyOf: [{ type: 'boolean' }, text] };
    case 'pairs':
      return {
        type: 'object',
        maxProperties: specLimits.entries,
        propertyNames: text,
        additionalProperties: several(text),
      };
  }
}

function several(text: Schema): Schema {
  return { anyOf: [text, { type: 'array', maxItems: specLimits.entries, items: text }] };
}
