import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { checkArchitecture, FLOORS, type Manifests } from './architecture.ts';

type Manifest = { dependencies?: Record<string, string>; devDependencies?: Record<string, string> };

function readManifest(path: string): Manifest {
  return JSON.parse(readFileSync(path, 'utf8')) as Manifest;
}

const ROOT = import.meta.dirname;
const WORKSPACES = Object.keys(FLOORS).filter((name) => name !== 'examples');
const rootDev = new Set(Object.keys(readManifest(`${ROOT}/package.json`).devDependencies ?? {}));
const manifests: Manifests = new Map(
  WORKSPACES.map((name) => [
    name,
    new Set(Object.keys(readManifest(`${ROOT}/${name}/package.json`).dependencies ?? {})),
  ]),
);

function readSources(): Map<string, string> {
  const files = globSync('{core,contract,compliance,agent,server,cli,lab,examples}/**/*.ts', {
    cwd: ROOT,
    exclude: (name) => name === 'node_modules',
  });
  return new Map(files.map((file) => [file, readFileSync(`${ROOT}/${file}`, 'utf8')]));
}

function rulesBrokenBy(planted: Record<string, string>): string[] {
  return checkArchitecture(new Map(Object.entries(planted)), manifests, rootDev).map((violation) => violation.rule);
}

test('the code keeps to its floors', () => {
  const sources = readSources();
  assert.ok(sources.size > 50, `expected the whole tree, read ${sources.size} files`);
  const violations = checkArchitecture(sources, manifests, rootDev);
  assert.deepEqual(
    violations.map((violation) => `${violation.rule}: ${violation.file}: ${violation.detail}`),
    [],
  );
});

const PLANTED: readonly (readonly [string, string, Record<string, string>])[] = [
  ['a workspace that imports upwards', 'floors', { 'core/src/suit/x.ts': "import { a } from '@pawl/server/main';" }],
  [
    'a core folder that imports upwards',
    'core-floors',
    { 'core/src/cbor/x.ts': "import { a } from '../suit/index.ts';" },
  ],
  [
    'a deep import across core folders',
    'deep-import',
    { 'core/src/suit/x.ts': "import { a } from '../cbor/decode.ts';" },
  ],
  ['a store that knows HTTP', 'server-floors', { 'server/src/store/x.ts': "import { a } from '../http/server.ts';" }],
  [
    'a relative path out of the workspace',
    'workspace-escape',
    { 'agent/src/x.ts': "import { a } from '../../core/src/suit/index.ts';" },
  ],
  ['a pure part that reads files', 'pure', { 'core/src/suit/x.ts': "import { readFile } from 'node:fs/promises';" }],
  ['a pure decision that opens sockets', 'pure', { 'server/src/domain/x.ts': "import net from 'node:net';" }],
  ['an agent that carries a server', 'must-not', { 'agent/src/x.ts': "import fastify from 'fastify';" }],
  ['a package missing from the manifest', 'manifest', { 'core/src/suit/x.ts': "import x from 'left-pad';" }],
  [
    'a dynamic import of a missing package',
    'manifest',
    { 'core/src/suit/x.ts': "const x = await import('left-pad');" },
  ],
  ['a development dependency in product code', 'manifest', { 'core/src/suit/x.ts': "import fc from 'fast-check';" }],
  ['a hidden clock', 'ambient', { 'agent/src/x.ts': 'export const now = () => Date.now();' }],
  ['a hidden clock by constructor', 'ambient', { 'agent/src/x.ts': 'export const now = () => new Date();' }],
  ['hidden randomness', 'ambient', { 'agent/src/x.ts': 'export const r = () => Math.random();' }],
  ['hidden settings', 'ambient', { 'server/src/x.ts': "export const p = process.env['PORT'];" }],
  ['a name that says nothing', 'name', { 'core/src/suit/utils.ts': 'export const a = 1;' }],
  [
    'an import cycle',
    'cycle',
    {
      'core/src/suit/a.ts': "import { b } from './b.ts';\nexport const a = b;",
      'core/src/suit/b.ts': "import {\n  a,\n} from './a.ts';\nexport const b = a;",
    },
  ],
];

for (const [what, rule, planted] of PLANTED) {
  test(`the alarm rings for ${what}`, () => {
    assert.ok(rulesBrokenBy(planted).includes(rule), `rule ${rule} did not report ${JSON.stringify(planted)}`);
  });
}

test('the alarm stays silent for what is allowed', () => {
  const allowed = {
    'core/src/suit/x.ts':
      "import { a } from '../cbor/index.ts';\n// import x from 'left-pad';\nexport const b = new Date(a);",
    'core/src/suit/x.test.ts': "import fc from 'fast-check';\nconst t = Date.now();",
    'agent/src/clock.ts': 'export const now = () => new Date();',
    'cli/src/x.ts': "import { runAgent } from '@pawl/agent/main';",
  };
  assert.deepEqual(rulesBrokenBy(allowed), []);
});
