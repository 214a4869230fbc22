import { describe, expect, it } from 'vitest';
import { coversScope, mergeScopes } from '../../src/http/scopes.ts';

describe('coversScope()', () => {
  it('compares resource and actions', () => {
    expect(coversScope(['repository:a:pull,push'], 'repository:a:push')).toBe(true);
    expect(coversScope(['repository:a:pull'], 'repository:a:pull,push')).toBe(false);
    expect(coversScope(['repository:b:pull'], 'repository:a:pull')).toBe(false);
    expect(coversScope([], 'x')).toBe(false);
  });
});

describe('mergeScopes()', () => {
  it('adds what is missing, sorted, each once', () => {
    expect(mergeScopes(['r:b:pull'], 'r:a:pull r:b:pull r:a:pull')).toEqual(['r:a:pull', 'r:b:pull']);
    expect(mergeScopes([], undefined)).toEqual([]);
  });
});
