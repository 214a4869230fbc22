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
      '  asked by: images.txt:3, argument',
      '  hint: check the tag',
    ]);
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
