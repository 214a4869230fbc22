import { describe, expect, it } from 'vitest';
import { errorFields, errorLines } from '../../src/cli/error-text.ts';
import { AirgapError } from '../../src/errors.ts';

const known = new AirgapError('ERR_NOT_FOUND', 'Cannot resolve "registry.k8s.io/pause:3.99": registry answered 404', {
  cause: new Error('\u001b[2Jdetail'),
  host: 'cache.example:443',
  reference: 'registry.k8s.io/pause:3.99',
  origins: ['images.txt:3', 'argument'],
  hint: 'check the tag',
  status: 404,
});

describe('errorLines()', () => {
  it('says what failed, where, who asked and what to do, in harmless characters', () => {
    expect(errorLines(known)).toEqual([
      'error: Cannot resolve "registry.k8s.io/pause:3.99": registry answered 404',
      '  host: cache.example:443',
      '  cause: \\x1b[2Jdetail',
      '  asked by: images.txt:3, the command line',
      '  hint: check the tag',
    ]);
  });

  it('does not repeat as a cause what the message says, in its words or in ours', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' });
    const first = new AirgapError('ERR_UNREACHABLE', 'Cannot reach "h:1": h:1 refused the connection', {
      cause: refused,
    });
    const second = new AirgapError(
      'ERR_UNREACHABLE',
      'Cannot reach "h:1" over HTTPS or HTTP: h:1 refused the connection',
      {
        cause: first,
      },
    );
    for (const error of [first, second]) expect(errorLines(error)).toHaveLength(1);
    const other = new AirgapError('ERR_UNREACHABLE', 'Cannot go on: nothing answers', { cause: first });
    expect(errorLines(other)[1]).toBe('  cause: Cannot reach "h:1": h:1 refused the connection');
  });

  it('names standard input in words, and no line that the message names already', () => {
    const error = new AirgapError('ERR_NOT_FOUND', 'Cannot fetch "a:1": gone', { origins: ['-:3', '-'] });
    expect(errorLines(error)[1]).toBe('  asked by: standard input, line 3, standard input');
    const named = new AirgapError('ERR_INPUT_INVALID', 'Cannot read list:\n  images.txt:3: bad', {
      origins: ['images.txt:3'],
    });
    expect(errorLines(named)).toEqual(['error: Cannot read list:', '  images.txt:3: bad']);
  });

  it('indents what stands after the first line', () => {
    expect(errorLines(new AirgapError('ERR_INPUT_INVALID', 'Cannot read "x":\nx:1: bad\n  x:2: worse'))).toEqual([
      'error: Cannot read "x":',
      '  x:1: bad',
      '  x:2: worse',
    ]);
  });

  it('shows a stack only when asked to', () => {
    const defect = new TypeError('x is not a function');
    expect(errorLines(defect).join('\n')).toMatch(/^error: x is not a function\n.*defect[\s\S]*AIRGAP_DEBUG=1/);
    expect(errorLines(defect).join('\n')).not.toContain('error-text.test');
    expect(errorLines(defect, { debug: true }).join('\n')).toContain('error-text.test');
  });
});

describe('errorFields()', () => {
  it('has the code and what is known, without the cause', () => {
    expect(JSON.parse(JSON.stringify(errorFields(known)))).toEqual({
      code: 'ERR_NOT_FOUND',
      message: known.message,
      host: 'cache.example:443',
      reference: 'registry.k8s.io/pause:3.99',
      origins: ['images.txt:3', 'argument'],
      hint: 'check the tag',
      status: 404,
    });
    expect(errorFields('odd')).toEqual({ code: 'ERR_DEFECT', message: 'odd' });
  });
});
