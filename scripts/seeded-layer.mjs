/** Layers made from a seed: a tar of one file whose bytes look random and are the same everywhere. */
import { createCipheriv, createHash } from 'node:crypto';

/** The tar in pieces, `size` bytes of content in it. */
export function* seededTar(key, size) {
  yield tarHeader(`data/${key}`, size);
  const seed = createHash('sha256').update(key).digest();
  const noise = createCipheriv('aes-256-ctr', seed, Buffer.alloc(16));
  const zeros = Buffer.alloc(1 << 18);
  for (let left = size; left > 0; left -= zeros.length) {
    yield noise.update(left < zeros.length ? zeros.subarray(0, left) : zeros);
  }
  yield Buffer.alloc(((512 - (size % 512)) % 512) + 1024);
}

/** The head of one ordinary file (POSIX.1-1988 ustar), without owner and time. */
function tarHeader(path, size) {
  const header = Buffer.alloc(512);
  const put = (offset, text) => header.write(text, offset, 'latin1');
  put(0, path);
  put(100, '0000644\0');
  put(108, '0000000\0');
  put(116, '0000000\0');
  put(124, `${size.toString(8).padStart(11, '0')}\0`);
  put(136, '00000000000\0');
  put(148, '        ');
  put(156, '0');
  put(257, 'ustar\0');
  put(263, '00');
  const sum = header.reduce((total, byte) => total + byte, 0);
  put(148, `${sum.toString(8).padStart(6, '0')}\0 `);
  return header;
}
