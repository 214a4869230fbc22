/** The program as a user runs it: its own process, its exit status, its two streams. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Run, type RunOptions, run } from './programs.ts';

/** The built program. */
export const airgapProgram = fileURLToPath(new URL('../../../dist/bin/airgap.js', import.meta.url));

/** Runs `airgap` with these arguments; proxies and credentials of the machine do not reach it. */
export function airgap(args: readonly string[], options: RunOptions = {}): Promise<Run> {
  if (!existsSync(airgapProgram)) throw new Error('The program is not built: npm run build');
  const clean = {
    HTTP_PROXY: '',
    HTTPS_PROXY: '',
    http_proxy: '',
    https_proxy: '',
    REGISTRY_AUTH_FILE: '',
    DOCKER_CONFIG: '/nonexistent',
  };
  return run([process.execPath, airgapProgram, ...args], { ...options, env: { ...clean, ...options.env } });
}
