import { describe, expect, it } from 'vitest';
import { failedListText, failureLines, failuresOf } from '../../src/cli/failures.ts';
import { AirgapError } from '../../src/errors.ts';
import { parseReference } from '../../src/oci/reference.ts';

const full = new AirgapError('ERR_NO_SPACE', 'Cannot write "x": no space is left', { hint: 'free some space' });

function failed(name: string, error: AirgapError) {
  const reference = parseReference(name);
  return { image: { reference, target: reference, origins: [{ document: 'images.txt', line: 3 }] }, error };
}

describe('failureLines()', () => {
  it('tells one reason once, with every image that failed for it', () => {
    const other = new AirgapError('ERR_NOT_FOUND', 'Cannot fetch manifest "ghcr.io/c:1": gone');
    const failures = [failed('ghcr.io/b:1', full), failed('ghcr.io/c:1', other), failed('ghcr.io/a:1', full)];
    expect(failureLines(failuresOf({ failures }))).toEqual([
      'error: Cannot write "x": no space is left',
      '  images:',
      '    ghcr.io/a:1 (images.txt:3)',
      '    ghcr.io/b:1 (images.txt:3)',
      '  hint: free some space',
      'error: Cannot fetch manifest "ghcr.io/c:1": gone',
      '  asked by: images.txt:3',
    ]);
  });

  it('tells once that a host cannot be asked, whatever was wanted of it, and apart for each host', () => {
    const unknown = (image: string, host: string) =>
      failed(
        image,
        new AirgapError('ERR_UNREACHABLE', `Cannot fetch manifest "${image}": the name ${host} is not known`),
      );
    const failures = [
      unknown('ghcr.io/a:1', 'ghcr.io'),
      unknown('quay.io/b:1', 'quay.io'),
      unknown('ghcr.io/c:1', 'ghcr.io'),
    ];
    expect(failureLines(failuresOf({ failures }))).toEqual([
      'error: Cannot fetch manifest "ghcr.io/a:1": the name ghcr.io is not known',
      '  images:',
      '    ghcr.io/a:1 (images.txt:3)',
      '    ghcr.io/c:1 (images.txt:3)',
      'error: Cannot fetch manifest "quay.io/b:1": the name quay.io is not known',
      '  asked by: images.txt:3',
    ]);
  });
});

describe('failedListText()', () => {
  it('is a list again, with the reasons as comments', () => {
    expect(failedListText(failuresOf({ failures: [failed('ghcr.io/a:1', full)] }))).toBe(
      '# Cannot write "x": no space is left\nghcr.io/a:1\n',
    );
    expect(failedListText([])).toBe('# no image failed\n');
  });
});
