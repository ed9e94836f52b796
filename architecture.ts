/**
 * The floors of the house, as data, and the checks that hold the code to them (DESIGN: imports point down only).
 *
 * `checkArchitecture` takes the sources as a map from path to text, so that `architecture.test.ts` can plant a violation
 * of each rule and see the alarm ring. Imports are read from the text; a file that is not TypeScript is not looked at.
 */

export type Violation = { readonly rule: string; readonly file: string; readonly detail: string };
type Sources = ReadonlyMap<string, string>;
/** Workspace folder -> the packages that its own package.json declares. */
export type Manifests = ReadonlyMap<string, ReadonlySet<string>>;

/** Workspace -> workspaces it may import. */
export const FLOORS: Readonly<Record<string, readonly string[]>> = {
  core: [],
  contract: ['core'],
  agent: ['core', 'contract'],
  compliance: ['core', 'contract'],
  server: ['core', 'contract', 'compliance'],
  // The lab's simulators are commands too (`pawl lab`); the lab drives the CLI as a process only, so there is no cycle.
  cli: ['core', 'contract', 'compliance', 'server', 'agent', 'lab'],
  lab: ['core', 'contract'],
  examples: ['core'],
};

/** Folder of core/src -> folders of core/src it may import. */
const CORE_FLOORS: Readonly<Record<string, readonly string[]>> = {
  bytes: [],
  cbor: ['bytes'],
  crypto: ['bytes'],
  cose: ['bytes', 'cbor', 'crypto'],
  keys: ['bytes', 'cbor', 'crypto', 'cose'],
  suit: ['bytes', 'cbor', 'crypto', 'cose', 'keys'],
  trust: ['bytes', 'cbor', 'crypto', 'cose', 'keys'],
  image: ['bytes', 'cbor', 'crypto', 'cose', 'keys'],
  attest: ['bytes', 'cbor', 'crypto', 'cose', 'keys', 'suit', 'trust', 'image'],
  evidence: ['bytes', 'cbor', 'crypto', 'cose', 'keys', 'suit', 'trust', 'image', 'attest'],
};

/** Floors inside the server: folder of server/src -> folders it must never import, because ... */
const SERVER_MUST_NOT: Readonly<Record<string, { readonly folders: readonly string[]; readonly because: string }>> = {
  domain: { folders: ['store', 'blobs', 'http', 'jobs'], because: 'decisions are pure; the store persists them' },
  store: { folders: ['http', 'jobs'], because: 'the store does not know who asks' },
  blobs: { folders: ['http', 'jobs', 'store'], because: 'objects are named by digest only' },
};

/** Packages that must never be reached from a workspace, because ... */
const MUST_NOT: Readonly<Record<string, { readonly packages: readonly string[]; readonly because: string }>> = {
  agent: {
    packages: ['fastify', 'kysely', 'pino', '@pawl/server', '@pawl/cli'],
    because: 'the agent runs on devices and carries no server',
  },
  contract: { packages: ['fastify', 'kysely'], because: 'the contract is data, whoever serves it' },
};

const IMPURE = [
  'fs',
  'fs/promises',
  'net',
  'tls',
  'http',
  'https',
  'http2',
  'dgram',
  'dns',
  'child_process',
  'worker_threads',
];
/** The one folder of core that reads and writes files (key files). */
const CORE_IMPURE_FOLDERS = new Set(['keys']);

const STATIC_IMPORT = /\b(?:import|export)\s(?:[^'";]*?\sfrom\s+)?['"]([^'"]+)['"]/g;
const DYNAMIC_IMPORT = /\bimport\(\s*['"]([^'"]+)['"]/g;

function isTestFile(file: string): boolean {
  return file.endsWith('.test.ts') || /^[a-z]+\/test\//.test(file);
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[\s;{}(,])\/\/.*$/gm, '$1');
}

function importsOf(text: string): string[] {
  const code = withoutComments(text);
  return [...code.matchAll(STATIC_IMPORT), ...code.matchAll(DYNAMIC_IMPORT)].flatMap((match) => match[1] ?? []);
}

function resolveRelative(file: string, specifier: string): string {
  const parts = file.split('/').slice(0, -1);
  for (const step of specifier.split('/')) {
    if (step === '..') parts.pop();
    else if (step !== '.') parts.push(step);
  }
  return parts.join('/');
}

function workspaceOf(file: string): string {
  return file.split('/')[0] ?? '';
}

function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

type Edge = { readonly file: string; readonly specifier: string };

function edgesOf(sources: Sources): Edge[] {
  return [...sources].flatMap(([file, text]) => importsOf(text).map((specifier) => ({ file, specifier })));
}

function checkFloors({ file, specifier }: Edge): Violation[] {
  const own = workspaceOf(file);
  const target = /^@pawl\/([a-z]+)/.exec(specifier)?.[1];
  if (target === undefined || target === own || FLOORS[own]?.includes(target) === true) return [];
  return [{ rule: 'floors', file, detail: `${own} may not import ${specifier}` }];
}

function checkCoreFloors({ file, specifier }: Edge): Violation[] {
  const from = /^core\/src\/([a-z]+)\//.exec(file)?.[1];
  if (from === undefined || !specifier.startsWith('.')) return [];
  const target = resolveRelative(file, specifier);
  const to = /^core\/src\/([a-z]+)\//.exec(target)?.[1];
  if (to === undefined || to === from) return [];
  if (CORE_FLOORS[from]?.includes(to) !== true)
    return [{ rule: 'core-floors', file, detail: `${from} may not import ${to}` }];
  if (target.endsWith('/index.ts')) return [];
  return [{ rule: 'deep-import', file, detail: `import ${to} through its index.ts, not ${specifier}` }];
}

function checkServerFloors({ file, specifier }: Edge): Violation[] {
  const from = /^server\/src\/([a-z]+)\//.exec(file)?.[1];
  if (from === undefined || !specifier.startsWith('.') || isTestFile(file)) return [];
  const to = /^server\/src\/([a-z]+)\//.exec(resolveRelative(file, specifier))?.[1];
  const rule = SERVER_MUST_NOT[from];
  if (rule === undefined || to === undefined || !rule.folders.includes(to)) return [];
  return [{ rule: 'server-floors', file, detail: `${from} must never import ${to}, because ${rule.because}` }];
}

function checkEscape({ file, specifier }: Edge): Violation[] {
  if (!specifier.startsWith('.')) return [];
  const target = resolveRelative(file, specifier);
  if (workspaceOf(target) === workspaceOf(file)) return [];
  return [
    { rule: 'workspace-escape', file, detail: `${specifier} leaves the workspace; import it by its package name` },
  ];
}

function checkPure({ file, specifier }: Edge): Violation[] {
  const folder = /^core\/src\/([a-z]+)\//.exec(file)?.[1];
  const isPureServer = file.startsWith('server/src/domain/');
  const isPure = isPureServer || (folder !== undefined && !CORE_IMPURE_FOLDERS.has(folder));
  if (!isPure || isTestFile(file) || !IMPURE.some((name) => specifier === `node:${name}`)) return [];
  return [{ rule: 'pure', file, detail: `a pure part may not import ${specifier}` }];
}

function checkMustNot({ file, specifier }: Edge): Violation[] {
  const rule = MUST_NOT[workspaceOf(file)];
  if (rule === undefined || !rule.packages.includes(packageOf(specifier))) return [];
  return [{ rule: 'must-not', file, detail: `${specifier}: ${rule.because}` }];
}

function checkManifest({ file, specifier }: Edge, manifests: Manifests, rootDev: ReadonlySet<string>): Violation[] {
  if (specifier.startsWith('.') || specifier.startsWith('node:')) return [];
  const name = packageOf(specifier);
  const own = workspaceOf(file);
  const isOwnName = name === `@pawl/${own}`;
  const isDevAllowed = (isTestFile(file) || own === 'lab' || own === 'examples') && rootDev.has(name);
  if (isOwnName || isDevAllowed || manifests.get(own)?.has(name) === true) return [];
  return [{ rule: 'manifest', file, detail: `${name} is not declared in ${own}/package.json` }];
}

const AMBIENT: readonly (readonly [string, RegExp])[] = [
  ['Date.now', /\bDate\.now\b/],
  ['new Date()', /\bnew Date\(\s*\)/],
  ['Math.random', /\bMath\.random\b/],
  ['process.env', /\bprocess\.env\b/],
];

function checkAmbient(file: string, text: string): Violation[] {
  if (isTestFile(file) || /(^|\/)(main|clock)\.ts$/.test(file) || /^(lab\/bench|architecture)/.test(file)) return [];
  const code = withoutComments(text);
  return AMBIENT.flatMap(([name, pattern]) =>
    pattern.test(code)
      ? [{ rule: 'ambient', file, detail: `${name} belongs in main.ts or clock.ts; take it as a parameter` }]
      : [],
  );
}

function checkCycles(sources: Sources): Violation[] {
  const graph = new Map<string, string[]>();
  for (const [file, text] of sources) {
    const targets = importsOf(text).filter((specifier) => specifier.startsWith('.'));
    graph.set(
      file,
      targets.map((specifier) => resolveRelative(file, specifier)).filter((target) => sources.has(target)),
    );
  }
  const state = new Map<string, 'open' | 'done'>();
  const violations: Violation[] = [];
  const visit = (file: string, trail: readonly string[]): void => {
    if (state.get(file) === 'done') return;
    if (state.get(file) === 'open') {
      violations.push({ rule: 'cycle', file, detail: [...trail.slice(trail.indexOf(file)), file].join(' -> ') });
      return;
    }
    state.set(file, 'open');
    for (const target of graph.get(file) ?? []) visit(target, [...trail, file]);
    state.set(file, 'done');
  };
  for (const file of graph.keys()) visit(file, []);
  return violations;
}

const NAMES_BARRED = /(^|\/)(utils?|helpers?|common|misc|manager|service|types)(\.ts|\/)/;

function checkName(file: string): Violation[] {
  return NAMES_BARRED.test(file) ? [{ rule: 'name', file, detail: 'name the file after what it holds' }] : [];
}

/** Every violation of the floors in these sources. */
export function checkArchitecture(sources: Sources, manifests: Manifests, rootDev: ReadonlySet<string>): Violation[] {
  const perEdge = edgesOf(sources).flatMap((edge) => [
    ...checkFloors(edge),
    ...checkCoreFloors(edge),
    ...checkServerFloors(edge),
    ...checkEscape(edge),
    ...checkPure(edge),
    ...checkMustNot(edge),
    ...checkManifest(edge, manifests, rootDev),
  ]);
  const perFile = [...sources].flatMap(([file, text]) => [...checkAmbient(file, text), ...checkName(file)]);
  return [...perEdge, ...perFile, ...checkCycles(sources)];
}
