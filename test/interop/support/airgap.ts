/** The program as a user runs it: its own process, its exit status, its two streams. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Run, type RunOptions, run } from './programs.ts';

/** The built program. */
export const airgapProgram = fileURLToPath(new URL('../../../dist/bin/airgap.js', import.meta.url));

/** What runs `airgap` with these arguments; in its environment proxies and credentials of the machine are none. */
export function airgapCommand(args: readonly string[]): {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
} {
  if (!existsSync(airgapProgram)) throw new Error('The program is not built: npm run build');
  const env = {
    HTTP_PROXY: '',
    HTTPS_PROXY: '',
    http_proxy: '',
    https_proxy: '',
    REGISTRY_AUTH_FILE: '',
    DOCKER_CONFIG: '/nonexistent',
  };
  return { command: [process.execPath, airgapProgram, ...args], env };
}

/** Runs `airgap` with these arguments; proxies and credentials of the machine do not reach it. */
export function airgap(args: readonly string[], options: RunOptions = {}): Promise<Run> {
  const { command, env } = airgapCommand(args);
  return run(command, { ...options, env: { ...env, ...options.env } });
}
