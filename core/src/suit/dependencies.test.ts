import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '../bytes/index.ts';
import type { AuthenticationPolicy } from './authentication.ts';
import { digestOfMember, encodeDigest } from './digest.ts';
import type { EnvelopeOptions } from './envelope.ts';
import {
  commands,
  IMAGE,
  type Item,
  imageDigest,
  KEY,
  MemoryPlatform,
  manifest,
  map,
  signRaw,
} from './fixture.test.ts';
import type { FetchRequest, SuitComponent, SwapRequest } from './platform.ts';
import { type RunOptions, runSection } from './run.ts';
import { verifyEnvelope } from './verified-manifest.ts';

const POLICY: AuthenticationPolicy & EnvelopeOptions = {
  keys: [KEY.publicKey],
  requiredAlgorithms: ['ESP256'],
  integratedSizeBytesMax: 4096,
};

/** A device that keeps what it fetched, and hands out envelopes from there. */
class DependencyPlatform extends MemoryPlatform {
  readonly referenced = new Set<string>();
  readonly unlinked: string[] = [];

  async envelopeOf({ id }: SuitComponent): Promise<Uint8Array | undefined> {
    return this.slots.get(`${MemoryPlatform.nameOf(id)}#0`);
  }

  async isReferenced({ id }: SuitComponent): Promise<boolean> {
    return this.referenced.has(MemoryPlatform.nameOf(id));
  }

  async swap({ source, target }: SwapRequest): Promise<void> {
    this.log.push(`swap ${MemoryPlatform.nameOf(source.id)} ${MemoryPlatform.nameOf(target.id)}`);
  }

  async unlink({ id }: SuitComponent): Promise<void> {
    this.unlinked.push(MemoryPlatform.nameOf(id));
  }
}

const DEPENDENCY = 'dep.suit';

/** The manifest of a dependency: it writes `hello` into its own component "00". */
function dependencyManifest(elements: Readonly<Record<number, Item>> = {}): Uint8Array {
  const install = commands(20, map({ 18: utf8('hello') }), 18, 15);
  return manifest({ components: [[utf8('00')]], shared: null, elements: { 20: install, ...elements } });
}

/** A manifest with component 0 "10" and dependency 1 "dep.suit". */
function dependent(elements: Readonly<Record<number, Item>>): Uint8Array {
  return manifest({
    components: [[utf8('10')]],
    shared: null,
    common: { 1: map({ 1: map({ 1: [utf8(DEPENDENCY)] }) }) },
    elements,
  });
}

const wanted = (inner: Uint8Array): Item => map({ 3: encodeDigest(digestOfMember(inner)) });
/** Selects the dependency, says which it must be, checks it and runs it. */
const process = (inner: Uint8Array): Item[] => [12, 1, 20, wanted(inner), 7, 15, 11, 0];

type Setup = { readonly inner?: Uint8Array; readonly envelope?: Uint8Array | null; readonly options?: RunOptions };

async function install(
  elements: Readonly<Record<number, Item>>,
  setup: Setup = {},
  section: 'install' | 'uninstall' = 'install',
) {
  const platform = new DependencyPlatform();
  const envelope = setup.envelope === undefined ? await signRaw(setup.inner ?? dependencyManifest()) : setup.envelope;
  if (envelope !== null) platform.put(DEPENDENCY, envelope);
  const root = verifyEnvelope(await signRaw(dependent(elements)), POLICY);
  await runSection(root, section, platform, setup.options ?? { dependencyPolicy: POLICY });
  return platform;
}

test('a dependency runs its section inside the same section of its dependent', async () => {
  const inner = dependencyManifest();
  const own: Item[] = [12, 0, 20, map({ 18: utf8('world') }), 18, 15];
  const platform = await install({ 20: commands(...process(inner), ...own) });
  assert.deepEqual(platform.log, ['write 00', 'write 10']);
});

test('a dependency is fetched, integrated or not, and judged by the digest of its manifest', async () => {
  const inner = dependencyManifest();
  const envelope = await signRaw(inner);
  class Fetching extends DependencyPlatform {
    override async fetch(request: FetchRequest): Promise<void> {
      assert.equal(request.component.isDependency, true);
      await super.fetch(request);
    }
  }
  for (const uri of [DEPENDENCY, '#dep']) {
    const platform = new Fetching();
    platform.files.set(DEPENDENCY, envelope);
    const fetch = commands(12, 1, 20, map({ 3: encodeDigest(digestOfMember(inner)), 14: 1, 21: uri }), 21, 2, 3, 15);
    const bytes = await signRaw(dependent({ 15: fetch }), [KEY], { integrated: new Map([['#dep', envelope]]) });
    await runSection(verifyEnvelope(bytes, POLICY), 'dependency-resolution', platform, { dependencyPolicy: POLICY });
    assert.deepEqual(platform.slots.get(`${DEPENDENCY}#0`), envelope);
  }
});

test('parameters that a dependent sets by set-parameters replace the defaults of its dependency, not its own words', async () => {
  const byDefault = dependencyManifest({ 20: commands(19, map({ 18: utf8('default') }), 18, 15) });
  const fixed = dependencyManifest({ 20: commands(20, map({ 18: utf8('fixed') }), 18, 15) });
  for (const [inner, expected] of [
    [byDefault, 'given'],
    [fixed, 'fixed'],
  ] as const) {
    const root = manifest({
      components: [[utf8('00')]],
      shared: null,
      common: { 1: map({ 1: map({ 1: [utf8(DEPENDENCY)] }) }) },
      elements: { 20: commands(12, 0, 19, map({ 18: utf8('given') }), ...process(inner)) },
    });
    const platform = new DependencyPlatform();
    platform.put(DEPENDENCY, await signRaw(inner));
    await runSection(verifyEnvelope(await signRaw(root), POLICY), 'install', platform, { dependencyPolicy: POLICY });
    assert.deepEqual(platform.slots.get('00#0'), utf8(expected));
  }
});

test('is-dependency tells dependencies from other components, with the index true', async () => {
  const inner = dependencyManifest();
  const branches: Item = [commands(8, 0, 11, 0), commands(20, map({ 18: utf8('own') }), 18, 15)];
  const platform = await install({ 20: commands(12, 1, 20, wanted(inner), 7, 15, 12, true, 15, branches) });
  assert.deepEqual(platform.log, ['write 10', 'write 00']);
});

test('a dependency of a dependency runs, and a chain that is too long does not', async () => {
  let inner = dependencyManifest();
  const platform = new DependencyPlatform();
  const names: string[] = [];
  const run = async (depth: number): Promise<void> => {
    for (let level = 0; level < depth; level += 1) {
      const name = `dep${names.length}`;
      names.push(name);
      platform.put(name, await signRaw(inner));
      inner = manifest({
        components: [[utf8(`c${names.length}`)]],
        shared: null,
        common: { 1: map({ 1: map({ 1: [utf8(name)] }) }) },
        elements: { 20: commands(...process(inner)) },
      });
    }
    await runSection(verifyEnvelope(await signRaw(inner), POLICY), 'install', platform, { dependencyPolicy: POLICY });
  };
  await run(4);
  assert.deepEqual(platform.log, ['write 00']);
  await assert.rejects(run(1), { code: 'SUIT_LIMIT_EXCEEDED' });
});

const inner = dependencyManifest();
const other = dependencyManifest({ 2: 9 });
const ABORTS: readonly (readonly [string, string, Readonly<Record<number, Item>>, Setup?])[] = [
  ['without an integrity check', 'SUIT_RULE_VIOLATED', { 20: commands(12, 1, 11, 0) }],
  ['for a component that is none', 'SUIT_RULE_VIOLATED', { 20: commands(12, 0, 11, 0) }],
  [
    'when the integrity of no dependency is asked for',
    'SUIT_RULE_VIOLATED',
    { 20: commands(12, 0, 20, wanted(inner), 7, 15) },
  ],
  ['when no digest says which it must be', 'SUIT_PARAMETER_MISSING', { 20: commands(12, 1, 7, 15) }],
  ['when it is another manifest', 'SUIT_DIGEST_MISMATCH', { 20: commands(...process(other)) }],
  ['that is not there', 'SUIT_DEPENDENCY_MISSING', { 20: commands(...process(inner)) }, { envelope: null }],
  ['when nobody said who may sign it', 'SUIT_POLICY_EMPTY', { 20: commands(...process(inner)) }, { options: {} }],
  [
    'that was fetched again after its check',
    'SUIT_RULE_VIOLATED',
    { 20: commands(12, 1, 20, wanted(inner), 7, 15, 20, map({ 21: '#x' }), 21, 2, 11, 0) },
  ],
  [
    'that was swapped away after its check',
    'SUIT_RULE_VIOLATED',
    { 20: commands(12, 1, 20, wanted(inner), 7, 15, 12, 0, 20, map({ 22: 1 }), 31, 2, 12, 1, 11, 0) },
  ],
  ['when it is not processed', 'SUIT_RULE_VIOLATED', { 20: commands(12, 1, 20, wanted(inner), 7, 15) }],
  [
    'that is not intact, although a try-each would go on',
    'SUIT_DIGEST_MISMATCH',
    { 20: commands(12, 1, 20, wanted(other), 15, [commands(7, 15), null]) },
  ],
];

for (const [what, code, elements, setup] of ABORTS) {
  test(`aborts on a dependency ${what} with ${code}`, async () => {
    const integrated = new Map([['#x', await signRaw(inner)]]);
    const platform = new DependencyPlatform();
    if (setup?.envelope !== null) platform.put(DEPENDENCY, await signRaw(inner));
    const root = verifyEnvelope(await signRaw(dependent(elements), [KEY], { integrated }), POLICY);
    const options = setup?.options ?? { dependencyPolicy: POLICY };
    await assert.rejects(runSection(root, 'install', platform, options), { code });
    assert.ok(!platform.log.includes('write 00'));
  });
}

test('a dependency signed by nobody who may is refused', async () => {
  const { PrivateKey } = await import('../crypto/index.ts');
  const envelope = await signRaw(inner, [PrivateKey.generate('ESP256')]);
  await assert.rejects(install({ 20: commands(...process(inner)) }, { envelope }), { code: 'SUIT_KEY_UNKNOWN' });
});

test('a dependency without the section succeeds at once', async () => {
  const without = dependencyManifest({ 20: undefined, 7: commands(14, 15) });
  const platform = await install({ 20: commands(...process(without)) }, { inner: without });
  assert.deepEqual(platform.log, []);
});

test('a device without dependencies refuses a manifest that has some, before anything runs', async () => {
  const platform = new MemoryPlatform();
  const root = verifyEnvelope(
    await signRaw(dependent({ 20: commands(12, 0, 20, map({ 18: IMAGE }), 18, 15) })),
    POLICY,
  );
  await assert.rejects(runSection(root, 'install', platform), { code: 'SUIT_ELEMENT_UNSUPPORTED' });
  assert.deepEqual(platform.log, []);
});

test('unlink reaches the platform, and what is referenced is not written', async () => {
  const platform = await install({ 24: commands(12, true, 33, 15) }, {}, 'uninstall');
  assert.deepEqual(platform.unlinked, ['10', DEPENDENCY]);
  const root = verifyEnvelope(
    await signRaw(dependent({ 20: commands(12, 0, 20, map({ 18: IMAGE }), 18, 15) })),
    POLICY,
  );
  platform.referenced.add('10');
  await assert.rejects(runSection(root, 'install', platform), { code: 'SUIT_RULE_VIOLATED' });
  // Neither as the target of a swap nor as its source.
  for (const [target, source] of [
    [0, 1],
    [1, 0],
  ] as const) {
    const swap = dependent({ 20: commands(12, target, 20, map({ 22: source }), 31, 15) });
    const verified = verifyEnvelope(await signRaw(swap), POLICY);
    await assert.rejects(runSection(verified, 'install', platform), { code: 'SUIT_RULE_VIOLATED' });
  }
});

test('signers change only components that they have rights over', async () => {
  const root = verifyEnvelope(
    await signRaw(dependent({ 20: commands(12, 0, 20, map({ 18: IMAGE }), 18, 15) })),
    POLICY,
  );
  const run = (prefix: string): Promise<void> =>
    runSection(root, 'install', new DependencyPlatform(), {
      isAuthorized: (signers, id) =>
        signers[0]?.isEqual(KEY.publicKey) === true &&
        [prefix, DEPENDENCY].some((each) => String.fromCharCode(...id[0]!).startsWith(each)),
    });
  await run('1');
  await assert.rejects(run('2'), { code: 'SUIT_COMPONENT_UNAUTHORIZED' });
});

test('a component that is called a dependency is no way around the rights over it', async () => {
  const write: Item[] = [20, map({ 18: IMAGE }), 18, 15];
  const asComponent = manifest({
    components: [[utf8('firmware')]],
    shared: null,
    common: { 1: map({ 0: map({}) }) },
    elements: { 20: commands(12, 0, ...write) },
  });
  const behind = manifest({
    components: [[utf8('own')]],
    shared: null,
    common: { 1: map({ 1: map({ 1: [utf8('firmware')] }) }) },
    elements: { 20: commands(12, 1, ...write) },
  });
  for (const each of [asComponent, behind]) {
    const platform = new DependencyPlatform();
    const run = runSection(verifyEnvelope(await signRaw(each), POLICY), 'install', platform, {
      isAuthorized: (_signers, id) => MemoryPlatform.nameOf(id) === 'own',
    });
    await assert.rejects(run, { code: 'SUIT_COMPONENT_UNAUTHORIZED' });
    assert.deepEqual(platform.log, []);
  }
});

test('a manifest and its dependencies share one limit of commands', async () => {
  const platform = new DependencyPlatform();
  let bytes = dependencyManifest();
  for (const name of ['dep0', 'dep1']) {
    platform.put(name, await signRaw(bytes));
    const again = Array.from({ length: 100 }, (): Item[] => [11, 0]).flat();
    bytes = manifest({
      components: [[utf8('10')]],
      shared: null,
      common: { 1: map({ 1: map({ 1: [utf8(name)] }) }) },
      elements: { 20: commands(12, 1, 20, wanted(bytes), 7, 15, ...again) },
    });
  }
  const root = verifyEnvelope(await signRaw(bytes), POLICY);
  await assert.rejects(runSection(root, 'install', platform, { dependencyPolicy: POLICY }), {
    code: 'SUIT_LIMIT_EXCEEDED',
  });
  assert.ok(platform.log.length < 4096);
});

test('dependencies stand at indices of components, or right behind them', async () => {
  const common = (dependencies: Item): Uint8Array =>
    manifest({ common: { 1: dependencies }, elements: { 20: commands(12, 0, 14, 15) }, shared: null });
  const accepted = [map({ 0: map({}) }), map({ 1: map({ 1: [utf8('x')] }) })];
  for (const each of accepted) verifyEnvelope(await signRaw(common(each)), POLICY);
  const refused: readonly (readonly [string, Item])[] = [
    ['SUIT_MANIFEST_MALFORMED', map({})],
    ['SUIT_MANIFEST_MALFORMED', map({ 2: map({}) })],
    ['SUIT_ELEMENT_UNSUPPORTED', map({ 1: map({ 2: 1 }) })],
    ['SUIT_MANIFEST_MALFORMED', map({ 1: 1 })],
    // The component, or a dependency, under a second index.
    ['SUIT_MANIFEST_MALFORMED', map({ 1: map({ 1: [utf8('a')] }) })],
    ['SUIT_MANIFEST_MALFORMED', map({ 1: map({}), 2: map({}) })],
  ];
  for (const [code, each] of refused) {
    const envelope = await signRaw(common(each));
    assert.throws(() => verifyEnvelope(envelope, POLICY), { code });
  }
});

test('the digest of an image says nothing about a dependency', async () => {
  const elements = { 20: commands(12, 1, 20, map({ 3: imageDigest(IMAGE) }), 3, 15) };
  await assert.rejects(install(elements), { code: 'SUIT_CONDITION_FAILED' });
});
