/** Fields that documents of this folder have in common, each checked before it is believed. */
import { type Digest, isDigest } from '../oci/digest.ts';
import type { Field } from '../oci/fields.ts';
import { quoteText } from '../oci/quote.ts';
import { isRepositoryPath, isTag, type Tag } from '../oci/reference.ts';

/** A digest of sha256 or sha512. Throws what the field throws, as all readers here. */
export function readDigest(field: Field): Digest {
  const text = field.text();
  return isDigest(text) ? text : field.fail('is not a sha256 or sha512 digest in lower-case hex');
}

/** A tag. */
export function readTag(field: Field): Tag {
  const text = field.text();
  return isTag(text) ? text : field.fail('is not a tag');
}

/** A path of a repository, or nothing. */
export function readPath(field: Field): string {
  const text = field.text();
  return text === '' || isRepositoryPath(text) ? text : field.fail('is not a path of a repository');
}

/** One of a few words. */
export function readOneOf<const T extends string>(field: Field, values: readonly T[]): T {
  const text = field.text();
  return values.find((value) => value === text) ?? field.fail(`is none of ${values.join(', ')}`);
}

/** Refuses the second of two equal keys, naming its field. */
export function refuseTwice(fields: readonly Field[], keys: readonly string[]): void {
  const seen = new Set<string>();
  for (const [index, key] of keys.entries()) {
    if (seen.has(key)) fields[index]?.fail(`stands there twice: ${quoteText(key)}`);
    seen.add(key);
  }
}
