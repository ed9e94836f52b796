import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { utf8 } from '../bytes/index.ts';
import { CborTag, encodeCbor } from '../cbor/index.ts';
import { commands, IMAGE, type Item, installing, MemoryPlatform, map, OTHER_IMAGE, verified } from './fixture.test.ts';
import type { SwapRequest } from './platform.ts';
import { runSection } from './run.ts';
import { decodeWaitInfo, encodeWaitInfo, holdsVersion, type VersionComparison, type WaitInfo } from './wait.ts';

class ManagedPlatform extends MemoryPlatform {
  now = 1000n;
  battery = 50n;
  isAuthorized = true;
  version: readonly number[] | undefined = [1, 5, 2];
  readonly waited: WaitInfo[] = [];

  nowUnixS(): bigint {
    return this.now;
  }
  async batteryMilliwattHours(): Promise<bigint> {
    return this.battery;
  }
  async isUpdateAuthorized(priority: number): Promise<boolean> {
    return this.isAuthorized && priority < 0;
  }
  async versionOf(): Promise<readonly number[] | undefined> {
    return this.version;
  }
  async waitFor(events: WaitInfo): Promise<void> {
    this.waited.push(events);
  }
  async swap({ source, target, slot }: SwapRequest): Promise<void> {
    const [a, b] = [source, target].map(({ id }) => `${MemoryPlatform.nameOf(id)}#${slot}`);
    const [left, right] = [this.slots.get(a!)!, this.slots.get(b!)!];
    this.slots.set(a!, right);
    this.slots.set(b!, left);
  }
}

async function run(platform: MemoryPlatform, count: number, ...items: Item[]): Promise<void> {
  await runSection(await verified(installing(count, ...items)), 'install', platform);
}

const version = (comparison: number, parts: number[]): Uint8Array => encodeCbor([comparison, parts]);

const CONDITIONS: readonly (readonly [string, number, Item, Item])[] = [
  ['use-before', 4, map({ 4: 1001 }), map({ 4: 1000 })],
  ['minimum-battery', 26, map({ 26: 50 }), map({ 26: 51 })],
  ['update-authorized', 27, map({ 27: -1 }), map({ 27: 1 })],
  ['version', 28, map({ 28: version(3, [1]) }), map({ 28: version(5, [1, 5, 2]) })],
];

for (const [name, code, holding, failing] of CONDITIONS) {
  test(`${name} holds and fails by what the device measures, and fails without its parameter`, async () => {
    await run(new ManagedPlatform(), 1, 20, holding, code, 15);
    await assert.rejects(run(new ManagedPlatform(), 1, 20, failing, code, 15), { code: 'SUIT_CONDITION_FAILED' });
    await assert.rejects(run(new ManagedPlatform(), 1, code, 15), { code: 'SUIT_CONDITION_FAILED' });
  });

  test(`a device that cannot judge ${name} refuses the manifest before anything runs`, async () => {
    const platform = new MemoryPlatform();
    const items = [20, map({ 18: IMAGE }), 18, 15, 20, holding, code, 15];
    await assert.rejects(run(platform, 1, ...items), { code: 'SUIT_COMMAND_UNSUPPORTED' });
    assert.deepEqual(platform.log, []);
  });
}

test('a component that asserts no version fits none', async () => {
  const platform = new ManagedPlatform();
  platform.version = undefined;
  await assert.rejects(run(platform, 1, 20, map({ 28: version(2, [0]) }), 28, 15), { code: 'SUIT_CONDITION_FAILED' });
});

test('versions compare as the draft says: over the integers that the manifest gives', () => {
  const cases: readonly (readonly [VersionComparison, number[], number[], boolean])[] = [
    // "Equal [1]" matches every version that begins with 1.
    ['equal', [1], [1, 9, 9], true],
    ['equal', [1], [2], false],
    // At least 1.0 and below 1.10: 1.0 to 1.9.
    ['greater-or-equal', [1, 0], [1, 0, 0], true],
    ['lesser', [1, 10], [1, 9, 7], true],
    ['lesser', [1, 10], [1, 10, 0], false],
    // 2.0-rc.1 lies below 2.0.0 and above every 1.x.
    ['lesser', [2, 0, 0], [2, 0, -1, 1], true],
    ['greater', [1, 99], [2, 0, -1, 1], true],
    ['lesser-or-equal', [1, 2], [1, 2, 5], true],
    ['greater', [1, 2], [1, 2, 5], false],
  ];
  for (const [comparison, wanted, actual, expected] of cases) {
    assert.equal(
      holdsVersion({ comparison, version: wanted }, actual),
      expected,
      `${actual.join('.')} ${comparison} ${wanted.join('.')}`,
    );
  }
});

test('wait hands all its events to the platform', async () => {
  const platform = new ManagedPlatform();
  const info = map({ 1: -1, 2: 10, 5: 1_696_291_200, 6: 82_800 });
  await run(platform, 1, 20, map({ 29: encodeCbor(info) }), 29, 15);
  assert.deepEqual(platform.waited, [{ authorization: -1, power: 10, timeUnixS: 1_696_291_200n, timeOfDayS: 82_800 }]);
  await assert.rejects(run(platform, 1, 29, 15), { code: 'SUIT_PARAMETER_MISSING' });
});

test('wait information is written as it is read', () => {
  const small = fc.integer({ min: -100, max: 100 });
  const day = fc.integer({ min: 0, max: 6 });
  const seconds = fc.integer({ min: 0, max: 86_399 });
  const match = fc.record(
    {
      comparison: fc.constantFrom<VersionComparison>(
        'greater',
        'greater-or-equal',
        'equal',
        'lesser-or-equal',
        'lesser',
      ),
      version: fc.array(small, { minLength: 1, maxLength: 4 }),
    },
    { noNullPrototype: true },
  );
  const events = fc.record(
    {
      authorization: small,
      power: small,
      network: small,
      otherDevice: fc.record(
        { id: fc.uint8Array(), versions: fc.array(match, { minLength: 1, maxLength: 3 }) },
        { noNullPrototype: true },
      ),
      timeUnixS: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      timeOfDayS: seconds,
      dayOfWeek: day,
      timeOfDayUtcS: seconds,
      dayOfWeekUtc: day,
    },
    { requiredKeys: ['power'], noNullPrototype: true },
  );
  fc.assert(fc.property(events, (info) => assert.deepEqual(decodeWaitInfo(encodeWaitInfo(info)), info)));
});

test('override-multiple sets each component, and leaves the last one current', async () => {
  const platform = new ManagedPlatform();
  await run(platform, 2, 34, map({ 0: map({ 18: IMAGE }), 1: map({ 18: OTHER_IMAGE }) }), 18, 15, 12, 0, 18, 15);
  assert.deepEqual(platform.slots.get('a#0'), IMAGE);
  assert.deepEqual(platform.slots.get('b#0'), OTHER_IMAGE);
  assert.deepEqual(platform.log, ['write b', 'write a']);
});

test('copy-params takes the values of another component, and only values that are set', async () => {
  const platform = new ManagedPlatform();
  await run(platform, 2, 12, 0, 20, map({ 18: IMAGE }), 12, 1, 35, map({ 0: [18] }), 18, 15);
  assert.deepEqual(platform.slots.get('b#0'), IMAGE);
  const unset = run(platform, 2, 12, 1, 35, map({ 0: [18] }), 18, 15);
  await assert.rejects(unset, { code: 'SUIT_PARAMETER_MISSING' });
});

test('swap exchanges two components, and never a source that is a target where order is open', async () => {
  const platform = new ManagedPlatform();
  platform.put('a', IMAGE);
  platform.put('b', OTHER_IMAGE);
  await run(platform, 2, 12, 0, 20, map({ 22: 1 }), 31, 15);
  assert.deepEqual([platform.slots.get('a#0'), platform.slots.get('b#0')], [OTHER_IMAGE, IMAGE]);
  await assert.rejects(run(platform, 2, 12, 0, 20, map({ 12: false, 22: 1 }), 31, 15), { code: 'SUIT_RULE_VIOLATED' });
  await assert.rejects(run(new MemoryPlatform(), 2, 12, 0, 20, map({ 22: 1 }), 31, 15), {
    code: 'SUIT_COMMAND_UNSUPPORTED',
  });
});

test('file metadata reaches the platform as it was signed', async () => {
  const metadata = encodeCbor(
    map({ 1: 0x1ff, 2: new Map<Item, Item>([['root', 7]]), 5: 1, 6: new CborTag(1, 1_700_000_000), 8: 'maker' }),
  );
  class Recording extends MemoryPlatform {
    seen: Uint8Array | undefined;
    override async write(request: Parameters<MemoryPlatform['write']>[0]): Promise<void> {
      this.seen = request.metadata;
    }
  }
  const platform = new Recording();
  await run(platform, 1, 20, map({ 18: IMAGE, 30: metadata }), 18, 15);
  assert.deepEqual(platform.seen, metadata);
});

const PARAMETERS_REFUSED: readonly (readonly [string, string, Item])[] = [
  ['a comparison that is none', 'SUIT_MANIFEST_MALFORMED', map({ 28: version(6, [1]) })],
  ['a version without parts', 'SUIT_MANIFEST_MALFORMED', map({ 28: version(1, []) })],
  ['a version with too many parts', 'SUIT_MANIFEST_MALFORMED', map({ 28: version(1, [1, 2, 3, 4, 5, 6, 7, 8, 9]) })],
  ['a wait for nothing', 'SUIT_MANIFEST_MALFORMED', map({ 29: encodeCbor(new Map()) })],
  ['a wait for something unknown', 'SUIT_PARAMETER_UNSUPPORTED', map({ 29: encodeCbor(map({ 10: 1 })) })],
  ['an hour that no day has', 'SUIT_MANIFEST_MALFORMED', map({ 29: encodeCbor(map({ 6: 86_400 })) })],
  ['an eighth day of the week', 'SUIT_MANIFEST_MALFORMED', map({ 29: encodeCbor(map({ 9: 7 })) })],
  ['another device without versions', 'SUIT_MANIFEST_MALFORMED', map({ 29: encodeCbor(map({ 4: [utf8('x'), []] })) })],
  ['a time before 1970', 'SUIT_MANIFEST_MALFORMED', map({ 4: -1 })],
  ['metadata that is not known', 'SUIT_PARAMETER_UNSUPPORTED', map({ 30: encodeCbor(map({ 9: 1 })) })],
  ['permissions that are none', 'SUIT_MANIFEST_MALFORMED', map({ 30: encodeCbor(map({ 1: 0x4000 })) })],
  ['permissions of nobody', 'SUIT_MANIFEST_MALFORMED', map({ 30: encodeCbor(map({ 2: new Map() })) })],
  ['an actor that is none', 'SUIT_MANIFEST_MALFORMED', map({ 30: encodeCbor(map({ 8: [] })) })],
  ['a kind of file that is none', 'SUIT_MANIFEST_MALFORMED', map({ 30: encodeCbor(map({ 5: 4 })) })],
  ['a time without its tag', 'SUIT_MANIFEST_MALFORMED', map({ 30: encodeCbor(map({ 6: 1 })) })],
];

for (const [what, code, parameters] of PARAMETERS_REFUSED) {
  test(`refuses ${what} with ${code}`, async () => {
    await assert.rejects(verified(installing(1, 20, parameters, 14, 15)), { code });
  });
}

const COMMANDS_REFUSED: readonly (readonly [string, string, Item[]])[] = [
  ['override-multiple of nothing', 'SUIT_MANIFEST_MALFORMED', [34, map({}), 14, 15]],
  ['override-multiple beyond the components', 'SUIT_MANIFEST_MALFORMED', [34, map({ 5: map({ 18: IMAGE }) }), 14, 15]],
  ['override-multiple of a processor flag', 'SUIT_RULE_VIOLATED', [34, map({ 0: map({ 12: false }) }), 14, 15]],
  ['copy-params of nothing', 'SUIT_MANIFEST_MALFORMED', [35, map({}), 14, 15]],
  ['copy-params of no parameter', 'SUIT_MANIFEST_MALFORMED', [35, map({ 0: [] }), 14, 15]],
  ['copy-params of a parameter twice', 'SUIT_MANIFEST_MALFORMED', [35, map({ 0: [18, 18] }), 14, 15]],
  ['copy-params of an unknown parameter', 'SUIT_PARAMETER_UNSUPPORTED', [35, map({ 0: [99] }), 14, 15]],
];

for (const [what, code, items] of COMMANDS_REFUSED) {
  test(`refuses ${what} with ${code}`, async () => {
    await assert.rejects(verified(installing(1, ...items)), { code });
  });
}

test('override-multiple inside a parallel run-sequence is out of order', async () => {
  const nested = commands(12, 0, 34, map({ 1: map({ 18: IMAGE }) }), 18, 15);
  await assert.rejects(run(new ManagedPlatform(), 2, 12, 0, 20, map({ 12: false }), 32, nested), {
    code: 'SUIT_RULE_VIOLATED',
  });
});
