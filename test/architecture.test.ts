/** The import table of docs/architecture.md, and the other rules about source files that a machine can check. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const sourceFolder = fileURLToPath(new URL('../src', import.meta.url));

interface Row {
  /** May be imported. */
  readonly values: readonly string[];
  /** Only `import type`. */
  readonly types?: readonly string[];
  /** Packages from the registry. */
  readonly packages?: readonly string[];
}

const ends = ['store/layout', 'store/memory', 'store/registry', 'store/bundle', 'store/image-cache'];
const rooms = ['input', 'resolve', 'plan', 'copy', 'verify', 'emit'] as const;
const everyPackage = ['bcryptjs', 'commander', 'dns-packet', 'p-limit', 'tar-stream', 'undici', 'yaml'];

/** Who may import whom. Everyone may import its own folder and `events`. `store` is `src/store/*.ts`, without the ends. */
const table: Readonly<Record<string, Row>> = {
  errors: { values: [] },
  events: { values: [], types: ['oci', 'errors'] },
  oci: { values: ['errors'] },
  async: { values: ['errors'], packages: ['p-limit'] },
  mirror: { values: ['oci', 'errors'] },
  yaml: { values: ['oci'], packages: ['yaml'] },
  talos: { values: ['oci', 'yaml', 'errors'], packages: ['yaml'] },
  node: { values: ['oci', 'talos', 'yaml', 'errors'], packages: ['yaml'] },
  catalogues: { values: ['store', 'oci', 'talos', 'yaml', 'errors'], packages: ['tar-stream'] },
  spec: { values: ['oci', 'mirror', 'talos', 'yaml', 'errors'], packages: ['yaml'] },
  store: { values: ['oci', 'errors'] },
  lock: { values: ['oci', 'mirror', 'errors'] },
  http: { values: ['async', 'errors'], packages: ['undici'] },
  'store/memory': { values: ['store', 'oci', 'async', 'errors'] },
  'store/layout': { values: ['store', 'oci', 'async', 'errors'] },
  'store/bundle': { values: ['store', 'oci', 'async', 'errors', 'store/layout'] },
  'store/image-cache': { values: ['store', 'oci', 'async', 'errors', 'store/layout', 'store/bundle'] },
  'store/registry': { values: ['store', 'oci', 'async', 'errors', 'http'] },
  input: { values: ['oci', 'mirror', 'lock', 'talos', 'node', 'errors'], packages: ['yaml'] },
  resolve: { values: ['store', 'oci', 'async', 'errors'], types: earlierThan('resolve') },
  plan: { values: ['oci', 'mirror', 'lock', 'talos', 'errors'], types: earlierThan('plan') },
  copy: { values: ['store', 'oci', 'async', 'errors'], types: earlierThan('copy') },
  verify: {
    values: ['store', 'oci', 'async', 'errors', 'lock', 'mirror', 'talos', 'node'],
    types: earlierThan('verify').filter((room) => room !== 'copy'),
  },
  emit: { values: ['oci', 'mirror', 'lock', 'talos', 'errors'], types: earlierThan('emit'), packages: ['yaml'] },
  serve: { values: ['store', 'oci', 'async', 'errors'], packages: ['bcryptjs'] },
  certificates: { values: ['errors'] },
  egress: { values: ['oci', 'mirror', 'lock', 'talos', 'node', 'errors'], packages: ['yaml'] },
  probe: { values: ['egress', 'http', 'async', 'errors'], packages: ['dns-packet'] },
  corridor: { values: [...rooms, 'mirror', 'lock', 'store', 'oci', 'errors', 'events'] },
  index: { values: ['*'] },
  cli: { values: ['*'], packages: everyPackage },
};

const pureFolders = ['oci', 'yaml', 'mirror', 'talos', 'node', 'spec', 'lock', 'input', 'plan', 'emit', 'egress'];
/** Hashing and path arithmetic need no world. */
const pureBuiltins = ['node:crypto', 'node:buffer', 'node:path', 'node:path/posix'];
/** What reads a clock, chance, the environment or the outside without an import. */
const impureWords =
  /\b(process\s*\.|Date\.now|new Date\(\s*\)|Math\.random|randomBytes|randomUUID|randomInt|performance\.now|setTimeout|setInterval|fetch\()/;

function earlierThan(room: (typeof rooms)[number]): string[] {
  return rooms.slice(0, rooms.indexOf(room));
}

interface SourceFile {
  /** Below `src/`, with slashes. */
  readonly path: string;
  readonly text: string;
  /** The text with comments blanked out, strings kept. */
  readonly code: string;
  readonly folder: string;
  readonly imports: readonly Import[];
}

interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
}

function withoutComments(text: string): string {
  return text.replaceAll(
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\[\s\S])*`/g,
    (token) => (token.startsWith('/*') || token.startsWith('//') ? token.replaceAll(/[^\n]/g, ' ') : token),
  );
}

function importsIn(code: string): Import[] {
  const found: Import[] = [];
  for (const match of code.matchAll(/^\s*(?:import|export)\b([^'";]*?)\bfrom\s*['"]([^'"]+)['"]/gm)) {
    const clause = (match[1] ?? '').trim();
    const named = /^\{([^}]*)\}$/.exec(clause)?.[1];
    const everyNameIsType = named?.split(',').every((name) => name.trim() === '' || name.trim().startsWith('type '));
    found.push({ specifier: match[2] ?? '', typeOnly: clause.startsWith('type ') || everyNameIsType === true });
  }
  for (const match of code.matchAll(/^\s*import\s*['"]([^'"]+)['"]/gm))
    found.push({ specifier: match[1] ?? '', typeOnly: false });
  for (const match of code.matchAll(/\bimport\s*\(\s*['"]([^'"]+)['"]/g)) {
    // `import('…').Name` in a type position is read as a value: stricter than needed, and easily written otherwise.
    found.push({ specifier: match[1] ?? '', typeOnly: false });
  }
  return found;
}

/** `src/store/registry/x.ts` → `store/registry`; `src/store/x.ts` → `store`; `src/index.ts` → `index`. */
function folderOf(path: string): string {
  const parts = path.split('/');
  if (parts.length === 1) return path.replace(/\.ts$/, '');
  const end = `${parts[0]}/${parts[1]}`;
  return parts.length > 2 && ends.includes(end) ? end : (parts[0] ?? '');
}

function readSources(): SourceFile[] {
  return readdirSync(sourceFolder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => {
      const text = readFileSync(join(sourceFolder, path), 'utf8');
      const name = path.split(sep).join('/');
      const code = withoutComments(text);
      return { path: name, text, code, folder: folderOf(name), imports: importsIn(code) };
    })
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** The folder a relative specifier points into, or undefined for packages and Node's own modules. */
function importedFolder(file: SourceFile, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  const absolute = normalize(join(sourceFolder, dirname(file.path), specifier));
  return folderOf(relative(sourceFolder, absolute).split(sep).join('/'));
}

/** Why this import is not allowed, or undefined. */
function objection(file: SourceFile, { specifier, typeOnly }: Import): string | undefined {
  const row = table[file.folder];
  if (row === undefined) return `${file.folder} has no row in the import table`;
  if (specifier.startsWith('node:')) return undefined;
  const target = importedFolder(file, specifier);
  if (target === undefined) {
    const name = specifier.split('/')[0] ?? '';
    return row.packages?.includes(name) ? undefined : `package ${specifier} is not for this folder`;
  }
  if (target === file.folder || row.values.includes(target)) return undefined;
  if (row.values.includes('*') && (target !== 'cli' || file.folder === 'cli')) return undefined;
  if (target === 'events' || (typeOnly && row.types?.includes(target))) return undefined;
  if (row.types?.includes(target)) return `only types may be imported from ${target}`;
  return `${file.folder} may not import ${target}`;
}

const sources = readSources();

function complaints(check: (file: SourceFile) => readonly string[]): string[] {
  return sources.flatMap((file) => check(file).map((text) => `src/${file.path}: ${text}`));
}

describe('import table', () => {
  it('every folder imports only what its row allows', () => {
    const found = complaints((file) =>
      file.imports.flatMap((entry) => {
        const text = objection(file, entry);
        return text === undefined ? [] : [`${entry.specifier}: ${text}`];
      }),
    );
    expect(found).toEqual([]);
  });

  it('imports of own files name the file with its ending', () => {
    const wrong = complaints((file) =>
      file.imports
        .filter((entry) => /^\.{1,2}\//.test(entry.specifier) && !/\.(ts|json)$/.test(entry.specifier))
        .map((entry) => entry.specifier),
    );
    expect(wrong).toEqual([]);
  });

  it('Node modules are imported with the node: prefix or are known packages', () => {
    const wrong = complaints((file) =>
      file.imports
        .map((entry) => entry.specifier)
        .filter((name) => !name.startsWith('.') && !name.startsWith('node:') && !everyPackage.includes(name)),
    );
    expect(wrong).toEqual([]);
  });
});

describe('pure folders', () => {
  const pure = (file: SourceFile) => pureFolders.includes(file.folder);

  it('import no Node module that reaches the world', () => {
    const wrong = complaints((file) =>
      pure(file)
        ? file.imports
            .map((entry) => entry.specifier)
            .filter((name) => name.startsWith('node:') && !pureBuiltins.includes(name))
        : [],
    );
    expect(wrong).toEqual([]);
  });

  it('use no clock, randomness, environment or timer', () => {
    const wrong = complaints((file) => {
      const word = pure(file) ? impureWords.exec(file.code.replaceAll(/'(?:[^'\\\n]|\\.)*'/g, "''"))?.[0] : undefined;
      return word === undefined ? [] : [word];
    });
    expect(wrong).toEqual([]);
  });
});

describe('files', () => {
  it('hold at most 250 lines', () => {
    const long = complaints((file) => {
      const lines = file.text.trimEnd().split('\n').length;
      return lines > 250 && !file.path.startsWith('talos/data') ? [`${lines} lines`] : [];
    });
    expect(long).toEqual([]);
  });

  it('are named for their idea', () => {
    const vague = complaints((file) =>
      /(^|\/)(utils?|helpers?|common|types|misc)(\.ts$|\/)/.test(file.path) ? ['vague name'] : [],
    );
    expect(vague).toEqual([]);
  });

  it('outside cli never end the process or print', () => {
    const wrong = complaints((file) => {
      const word =
        file.folder === 'cli'
          ? undefined
          : /\bprocess\.(exit|exitCode|stdout|stderr)\b|(?<!')\bconsole\./.exec(file.code)?.[0];
      return word === undefined ? [] : [word];
    });
    expect(wrong).toEqual([]);
  });

  it('call process.exit in one place only', () => {
    const callers = sources.filter((file) => /\bprocess\.exit\(/.test(file.code)).map((file) => file.path);
    expect(callers.every((path) => path === 'cli/main.ts')).toBe(true);
  });
});

describe('this test', () => {
  const file = (path: string, code: string): SourceFile => ({
    path,
    text: code,
    code: withoutComments(code),
    folder: folderOf(path),
    imports: importsIn(withoutComments(code)),
  });
  const objections = (path: string, code: string) => {
    const source = file(path, code);
    return source.imports.map((entry) => objection(source, entry) ?? 'allowed');
  };

  it('sees a forbidden import however it is written', () => {
    const forbidden = 'resolve may not import store/registry';
    expect(objections('resolve/a.ts', "import { x } from '../store/registry/open.ts';")).toEqual([forbidden]);
    expect(objections('resolve/a.ts', "import {\n  x,\n  type Y,\n} from '../store/registry/open.ts';")).toEqual([
      forbidden,
    ]);
    expect(objections('resolve/a.ts', "export * from '../store/registry/open.ts';")).toEqual([forbidden]);
    expect(objections('resolve/a.ts', "const x = await import('../store/registry/open.ts');")).toEqual([forbidden]);
    expect(objections('verify/a.ts', "import type { Receipt } from '../copy/receipt.ts';")).toEqual([
      'verify may not import copy',
    ]);
    expect(objections('index.ts', "export { run } from './cli/main.ts';")).toEqual(['index may not import cli']);
    expect(objections('plan/a.ts', "import { x } from '../resolve/resolved.ts';")).toEqual([
      'only types may be imported from resolve',
    ]);
  });

  it('lets pass what the table allows, and text that only looks like an import', () => {
    expect(objections('plan/a.ts', "import type { ResolvedImage } from '../resolve/resolved.ts';")).toEqual([
      'allowed',
    ]);
    expect(objections('plan/a.ts', "import { type ResolvedImage } from '../resolve/resolved.ts';")).toEqual([
      'allowed',
    ]);
    expect(
      objections('oci/a.ts', "// import { x } from '../http/client.ts';\n/* import y from '../cli/main.ts' */"),
    ).toEqual([]);
    expect(objections('store/registry/a.ts', "import { open } from '../../http/open.ts';")).toEqual(['allowed']);
  });

  it('reads the sources', () => {
    expect(sources.length).toBeGreaterThan(10);
    expect(sources.some((source) => source.imports.length > 0)).toBe(true);
  });
});
