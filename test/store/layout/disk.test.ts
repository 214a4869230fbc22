import { describe, expect, it } from 'vitest';
import { diskError } from '../../../src/store/layout/disk.ts';

const failed = (code: string) => Object.assign(new Error(`${code}: of the system`), { code });

describe('diskError()', () => {
  it.each([
    ['ENOSPC', 'ERR_NO_SPACE', 'Cannot write "x": no space is left'],
    ['EDQUOT', 'ERR_NO_SPACE', 'Cannot write "x": no space is left'],
    ['EFBIG', 'ERR_UNSUPPORTED', 'Cannot write "x": its file system holds no file that large'],
    ['EROFS', 'ERR_DENIED', 'Cannot write "x": the file system is read-only'],
    ['EACCES', 'ERR_DENIED', 'Cannot write "x": permission denied'],
    ['EIO', 'ERR_UNREACHABLE', 'Cannot write "x": EIO'],
  ])('gives %s the code %s, and what is written the end it is at', (cause, code, message) => {
    expect(diskError('write "x"', failed(cause))).toMatchObject({ code, message, end: 'target' });
    expect(diskError('read "x"', failed(cause)).end).toBeUndefined();
  });

  it('says what to do about a file system with small files', () => {
    expect(diskError('write "x"', failed('EFBIG')).hint).toContain('--volume-size fat32');
  });
});
