/**
 * An esbuild plugin: `import { Agent, … } from 'undici'` pulls in only the files behind those names.
 * undici's own entry loads fetch, WebSocket, caches and mocks as well, which costs a third of the program's start.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const root = dirname(createRequire(import.meta.url).resolve('undici/package.json'));

/** Public name → file that defines it. A name that is missing here fails the build with "No matching export". */
const parts = {
  Agent: 'lib/dispatcher/agent.js',
  Client: 'lib/dispatcher/client.js',
  Dispatcher: 'lib/dispatcher/dispatcher.js',
  EnvHttpProxyAgent: 'lib/dispatcher/env-http-proxy-agent.js',
  Pool: 'lib/dispatcher/pool.js',
  ProxyAgent: 'lib/dispatcher/proxy-agent.js',
  buildConnector: 'lib/core/connect.js',
  errors: 'lib/core/errors.js',
};

/** What `undici/index.js` does for these names: the dispatchers get request(), stream() and so on; request() takes a dispatcher. */
function entrySource() {
  const imports = Object.entries(parts).map(
    ([name, file]) => `import ${name} from ${JSON.stringify(join(root, file))};`,
  );
  return [
    ...imports,
    `import api from ${JSON.stringify(join(root, 'lib/api/index.js'))};`,
    'Object.assign(Dispatcher.prototype, api);',
    'export function request(url, { dispatcher, ...options }) {',
    '  const { origin, pathname, search } = new URL(url);',
    "  return api.request.call(dispatcher, { method: options.body ? 'PUT' : 'GET', ...options, origin, path: pathname + search });",
    '}',
    `export { ${Object.keys(parts).join(', ')} };`,
  ].join('\n');
}

export const undiciParts = {
  name: 'undici-parts',
  setup(build) {
    build.onResolve({ filter: /^undici$/ }, () => ({ path: 'undici', namespace: 'undici-parts' }));
    build.onLoad({ filter: /.*/, namespace: 'undici-parts' }, () => ({ contents: entrySource(), resolveDir: root }));
    // Files behind names nobody imports are left out.
    build.onResolve({ filter: /undici[\\/]lib[\\/]/ }, ({ path, namespace }) =>
      namespace === 'undici-parts' ? { path, sideEffects: path.endsWith(join('api', 'index.js')) } : undefined,
    );
  },
};
