/** Ceremonies of several people: what a merge takes, and everything that it refuses, with clients that follow the result. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { fromUtf8, utf8 } from '../bytes/index.ts';
import { PrivateKey, sha256 } from '../crypto/index.ts';
import { type Ceremony, mergeCeremonies, newCeremony, signCeremony, signedDigest, type TrustBase } from './ceremony.ts';
import { encodeCeremony, parseCeremony } from './ceremony-file.ts';
import { TrustError, type TrustErrorCode } from './errors.ts';
import { encodeLineKeys, lineKeysPath } from './line-keys.ts';
import type { Metadata, RoleName, Signed } from './metadata.ts';
import { parseRoot, parseTargets } from './parse-metadata.ts';
import { prepareRoot, prepareTargets } from './prepare.ts';
import { newRoot } from './produce-root.ts';
import { nextTargets, withTarget } from './produce-targets.ts';
import { metadataFileName } from './refresh.ts';
import { day, edited, LINE, MemoryPersistence, RepositorySimulator } from './simulator.ts';
import { tufKeyOf } from './tuf-key.ts';

const key = (): PrivateKey => PrivateKey.generate('Ed25519');
const idOf = ({ publicKey }: PrivateKey): string => tufKeyOf(publicKey).keyId;
const [alice, bob, carol, dave] = [key(), key(), key(), key()];
const PEOPLE = new Map([
  [alice, 'Alice'],
  [bob, 'Bob'],
  [carol, 'Carol'],
  [dave, 'Dave'],
]);

/** One person on one machine: the file in, the file out. */
async function sign(ceremony: Ceremony, signer: PrivateKey): Promise<Ceremony> {
  const received = parseCeremony(encodeCeremony(ceremony));
  const signed = await signCeremony(received, { signer, who: PEOPLE.get(signer) ?? 'somebody', at: day(2) });
  return parseCeremony(encodeCeremony(signed));
}

type Copies = [Ceremony, ...Ceremony[]];

/** Everybody signs a copy of the same file. */
async function signCopies(ceremony: Ceremony, signers: readonly PrivateKey[]): Promise<Copies> {
  return (await Promise.all(signers.map((signer) => sign(ceremony, signer)))) as Copies;
}

function baseOf(simulator: RepositorySimulator): TrustBase {
  const root = metadataFileName('root', simulator.root.signed.version);
  return new Map([['root', simulator.file(root)], ...simulator.currentRoles()]);
}

/** A repository with a root of two of Alice, Bob and Carol. */
async function start(): Promise<RepositorySimulator> {
  const simulator = new RepositorySimulator({ root: 2 });
  simulator.keys.root = [alice, bob, carol];
  simulator.root = newRoot({ keys: simulator.publicKeys(), thresholds: { root: 2 }, expiresAt: day(365) });
  await simulator.publishRoot([alice, bob]);
  await simulator.publishTargets();
  await simulator.publishLine();
  await simulator.publishFreshness(0);
  return simulator;
}

function propose(base: TrustBase, files: Readonly<Record<RoleName, Metadata<Signed>>>): Ceremony {
  return newCeremony({ purpose: 'a test', metadata: new Map(Object.entries(files)), base });
}

const nextOf = (simulator: RepositorySimulator, days = 400): Metadata<Signed> =>
  prepareRoot(baseOf(simulator).get('root')!, { expiresAt: day(days) });

function refuses(copies: Copies, base: TrustBase, code: TrustErrorCode, details: object = {}): void {
  assert.throws(
    () => mergeCeremonies(copies, base, day(2)),
    (error: Error & { code?: string; details?: object }) => {
      assert.equal(error.code, code, error.message);
      assert.deepEqual({ ...error.details, ...details }, error.details);
      return true;
    },
  );
}

/** Puts what was merged where clients find it, with a snapshot and a timestamp of the server. */
async function publish(
  simulator: RepositorySimulator,
  merged: ReturnType<typeof mergeCeremonies>,
  days: number,
): Promise<void> {
  for (const [role, bytes] of merged.metadata) {
    const { version } = merged.successors.find((successor) => successor.role === role)!;
    simulator.files.set(metadataFileName(role, version), bytes);
    if (role === 'root') simulator.root = parseRoot(bytes);
    else if (role === 'targets') simulator.targets = parseTargets(bytes);
    else simulator.line = parseTargets(bytes);
  }
  await simulator.publishFreshness(days);
}

test('two of three make the first root, on copies, and a client follows it', async () => {
  const simulator = new RepositorySimulator();
  simulator.keys.root = [alice, bob, carol];
  const root = newRoot({ keys: simulator.publicKeys(), thresholds: { root: 2 }, expiresAt: day(365) });
  const release = simulator.keys.targets[0]!;
  const files = { targets: simulator.targets, root };
  const ceremony = propose(new Map(), files);
  const copies = await signCopies(ceremony, [carol, alice, release]);
  const merged = mergeCeremonies(copies, new Map(), day(2));
  // The order in which a server has to take them.
  assert.deepEqual([...merged.metadata.keys()], ['root', 'targets']);
  assert.deepEqual(
    merged.record.map(({ role, version, keyId, who, at, digest }) => ({ role, version, keyId, who, at, digest })),
    [
      {
        role: 'root',
        version: 1,
        keyId: idOf(carol),
        who: 'Carol',
        at: day(2),
        digest: signedDigest({ signed: root.json }),
      },
      {
        role: 'root',
        version: 1,
        keyId: idOf(alice),
        who: 'Alice',
        at: day(2),
        digest: signedDigest({ signed: root.json }),
      },
      {
        role: 'targets',
        version: 1,
        keyId: idOf(release),
        who: 'somebody',
        at: day(2),
        digest: signedDigest({ signed: simulator.targets.json }),
      },
    ],
  );
  simulator.files.set('1.root.json', merged.metadata.get('root')!);
  await simulator.publishLine();
  await publish(simulator, merged, 2);
  const trusted = await simulator.refresh(new MemoryPersistence(), 2);
  assert.equal(trusted.root.roles.root.threshold, 2);
});

test('the file can also go round: each signs what the one before gave', async () => {
  const simulator = await start();
  const base = baseOf(simulator);
  const round = await sign(await sign(propose(base, { root: nextOf(simulator) }), bob), carol);
  const merged = mergeCeremonies([round], base, day(2));
  assert.deepEqual(
    merged.record.map(({ who }) => who),
    ['Bob', 'Carol'],
  );
  // And an earlier copy beside a later one adds nothing, and harms nothing.
  const first = await sign(propose(base, { root: nextOf(simulator) }), bob);
  const second = await sign(first, carol);
  assert.equal(mergeCeremonies([first, second, second], base, day(2)).record.length, 2);
});

test('a root key is replaced, a release key revoked, and a device that was off for a year follows', async () => {
  const simulator = await start();
  const persist = new MemoryPersistence();
  await simulator.refresh(persist, 1);
  const stolen = simulator.keys.targets[0]!;
  const [fresh, line] = [key(), simulator.lineKeys[0]!];

  // Root 2: Alice leaves, Dave comes, and the stolen release key goes.
  let base = baseOf(simulator);
  const root = prepareRoot(base.get('root')!, {
    roles: {
      root: { add: [dave.publicKey], remove: [idOf(alice)] },
      targets: { add: [fresh.publicKey], remove: [idOf(stolen)] },
    },
    expiresAt: day(400),
  });
  const targets = nextTargets(simulator.targets, { expiresAt: day(500) });
  const both = propose(base, { root, targets });
  refuses(await signCopies(both, [bob, dave, fresh]), base, 'TRUST_SIGNATURES_TOO_FEW', {
    delegator: 'root',
    actual: 1,
  });
  refuses(await signCopies(both, [bob, alice, fresh]), base, 'TRUST_SIGNATURES_TOO_FEW', {
    delegator: 'the new root',
    actual: 1,
  });
  await assert.rejects(sign(both, stolen), { code: 'TRUST_SIGNER_UNKNOWN' });
  // Without the targets, the published ones would be signed by a key that is worth nothing any more.
  refuses(await signCopies(propose(base, { root }), [bob, carol]), base, 'TRUST_SIGNATURES_TOO_FEW', {
    role: 'targets',
  });
  await publish(simulator, mergeCeremonies(await signCopies(both, [bob, carol, fresh]), base, day(2)), 2);
  simulator.keys.targets = [fresh];

  // Eleven more roots, one a month; Carol leaves in the sixth.
  for (let month = 2; month <= 12; month += 1) {
    base = baseOf(simulator);
    const change = month === 6 ? { roles: { root: { add: [alice.publicKey], remove: [idOf(carol)] } } } : {};
    const next = prepareRoot(base.get('root')!, { ...change, expiresAt: day(month * 30 + 60) });
    const signers = month === 6 ? [bob, dave] : month < 6 ? [carol, dave] : [alice, dave];
    await publish(
      simulator,
      mergeCeremonies(await signCopies(propose(base, { root: next }), signers), base, day(2)),
      2,
    );
  }
  await simulator.release(366);
  const trusted = await simulator.refresh(persist, 366);
  assert.equal(trusted.root.version, 13);
  assert.deepEqual([...trusted.root.roles.root.keyIds].sort(), [alice, bob, dave].map(idOf).sort());
  assert.deepEqual(trusted.root.roles.targets.keyIds, [idOf(fresh)]);

  // The delegation of the line is withdrawn: what it lists is not found any more.
  base = baseOf(simulator);
  const without = prepareTargets(base.get('targets')!, { revoke: [LINE], expiresAt: day(500) });
  await publish(
    simulator,
    mergeCeremonies([await sign(propose(base, { targets: without }), fresh)], base, day(367)),
    367,
  );
  await assert.rejects(simulator.refresh(persist, 367), { code: 'TRUST_ROLE_UNKNOWN' });
  await assert.rejects(
    sign(propose(baseOf(simulator), { [LINE]: nextTargets(simulator.line, { expiresAt: day(500) }) }), line),
    {
      code: 'TRUST_SIGNER_UNKNOWN',
    },
  );
});

test('rotates the online keys and the keys of a line', async () => {
  const simulator = await start();
  const base = baseOf(simulator);
  const [snapshot, timestamp, line] = [key(), key(), key()];
  const root = prepareRoot(base.get('root')!, {
    roles: {
      snapshot: { add: [snapshot.publicKey], remove: simulator.keys.snapshot.map(idOf) },
      timestamp: { add: [timestamp.publicKey], remove: simulator.keys.timestamp.map(idOf) },
    },
    expiresAt: day(400),
  });
  const change = { add: [line.publicKey], remove: simulator.lineKeys.map(idOf) };
  const targets = prepareTargets(base.get('targets')!, {
    delegations: new Map([[LINE, change]]),
    expiresAt: day(400),
  });
  const list = nextTargets(simulator.line, { expiresAt: day(400) });
  const release = simulator.keys.targets[0]!;
  const only = propose(base, { root, targets });
  // The list of the line must be signed anew, by the new key.
  refuses(await signCopies(only, [alice, bob, release]), base, 'TRUST_SIGNATURES_TOO_FEW', { role: LINE });
  const all = propose(base, { root, targets, [LINE]: list });
  const merged = mergeCeremonies(await signCopies(all, [alice, bob, release, line]), base, day(2));
  simulator.keys.snapshot = [snapshot];
  simulator.keys.timestamp = [timestamp];
  simulator.lineKeys = [line];
  await publish(simulator, merged, 2);
  assert.equal((await simulator.refresh(new MemoryPersistence(), 2)).snapshot?.version, 2);
});

test('a new key list of a line comes with targets that list it', async () => {
  const simulator = await start();
  const base = baseOf(simulator);
  const image = key();
  const bytes = encodeLineKeys({ line: LINE, keys: [image.publicKey], requiredAlgorithms: ['Ed25519'] });
  const entry = { path: lineKeysPath(LINE), sizeBytes: bytes.length, sha256: sha256(bytes) };
  const release = simulator.keys.targets[0]!;
  const make = async (list: readonly (typeof entry)[]): Promise<Ceremony> =>
    sign(
      newCeremony({
        purpose: 'image keys',
        metadata: new Map([['targets', prepareTargets(base.get('targets')!, { list, expiresAt: day(400) })]]),
        lineKeys: new Map([[LINE, bytes]]),
        base,
      }),
      release,
    );
  assert.deepEqual(mergeCeremonies([await make([entry])], base, day(2)).lineKeys.get(LINE), bytes);
  refuses([await make([])], base, 'TRUST_TARGET_NOT_LISTED');
  refuses([await make([{ ...entry, sha256: new Uint8Array(32) }])], base, 'TRUST_DIGEST_MISMATCH');
  const signed = await make([entry]);
  refuses([signed, { ...signed, lineKeys: new Map([[LINE, bytes.with(0, 0)]]) }], base, 'TRUST_PARTS_DIFFER');
  refuses([signed, { ...signed, lineKeys: new Map() }], base, 'TRUST_PARTS_DIFFER');
  const unlisted = prepareTargets(base.get('targets')!, { unlist: [lineKeysPath(LINE)], expiresAt: day(400) });
  assert.equal(unlisted.signed.targets.size, 0);
});

test('refuses copies that are not about the same bytes', async () => {
  const simulator = await start();
  const base = baseOf(simulator);
  const ceremony = propose(base, { root: nextOf(simulator) });
  const other = propose(base, { root: nextOf(simulator, 401) });
  const signed = await sign(ceremony, alice);
  refuses([signed, await sign(other, bob)], base, 'TRUST_PARTS_DIFFER', { role: 'root' });
  const targets = nextTargets(simulator.targets, { expiresAt: day(400) });
  const more = propose(base, { root: nextOf(simulator), targets });
  refuses([signed, await sign(more, bob)], base, 'TRUST_PARTS_DIFFER', { role: 'targets' });
});

/** A copy with another signature list for the root. */
function withSignatures(copy: Ceremony, change: (list: { keyId: string; sig: string }[]) => void): Ceremony {
  const { signed, signatures } = copy.metadata.get('root')!;
  const list = signatures.map((signature) => ({ ...signature }));
  change(list);
  return { ...copy, metadata: new Map([...copy.metadata, ['root', { signed, signatures: list }]]) };
}

test('refuses signatures of strangers, broken ones, and one key that appears as two', async () => {
  const simulator = await start();
  const base = baseOf(simulator);
  const ceremony = propose(base, { root: nextOf(simulator) });
  await assert.rejects(sign(ceremony, dave), { code: 'TRUST_SIGNER_UNKNOWN', details: { roles: 'root' } });
  const [a, b] = await signCopies(ceremony, [alice, bob]);
  const stranger = withSignatures(a, (list) => list.push({ keyId: idOf(dave), sig: list[0]!.sig }));
  refuses([stranger, b!], base, 'TRUST_SIGNER_UNKNOWN', { role: 'root', keyId: idOf(dave) });
  for (const sig of ['', '00'.repeat(64), a.metadata.get('root')!.signatures[0]!.sig]) {
    const broken = withSignatures(b!, (list) => Object.assign(list[0]!, { sig }));
    refuses([a, broken], base, 'TRUST_SIGNATURE_INVALID', { keyId: idOf(bob) });
  }
  refuses([a], base, 'TRUST_SIGNATURES_TOO_FEW', { delegator: 'root', expected: 2, actual: 1 });
  refuses([a, a, a], base, 'TRUST_SIGNATURES_TOO_FEW', { actual: 1 });
});

test('refuses one key that signed twice, under one id or under two', async () => {
  // ECDSA signs differently each time.
  const holder = PrivateKey.generate('ESP256');
  const simulator = await start();
  simulator.keys.root = [alice, holder];
  simulator.root = newRoot({ keys: simulator.publicKeys(), thresholds: { root: 2 }, expiresAt: day(365) });
  const ceremony = propose(new Map(), { root: simulator.root });
  const [once, again] = await signCopies(ceremony, [holder, holder]);
  refuses([once, again!], new Map(), 'TRUST_SIGNER_REPEATED', { keyId: idOf(holder) });

  // The older spelling of the key type gives the same key another id.
  const { json, keyId } = tufKeyOf(holder.publicKey);
  const older = { ...json, keytype: 'ecdsa-sha2-nistp256' };
  const { keys, roles } = simulator.root.json as { keys: object; roles: object };
  const olderId = signedDigest({ signed: older });
  const twofold = edited(simulator.root, {
    keys: { ...keys, [olderId]: older } as never,
    roles: { ...roles, root: { keyids: [keyId, olderId], threshold: 2 } } as never,
  });
  const copy = await sign(propose(new Map(), { root: twofold }), holder);
  const doubled = withSignatures(copy, (list) => list.push({ ...list[0]!, keyId: olderId }));
  refuses([doubled], new Map(), 'TRUST_SIGNER_REPEATED', { keyId: olderId });
});

test('refuses what does not follow the published version, or has expired', async () => {
  const simulator = await start();
  const base = baseOf(simulator);
  const mergeRoot = async (root: Metadata<Signed>, code: TrustErrorCode): Promise<void> =>
    refuses(await signCopies(propose(base, { root }), [alice, bob]), base, code);
  await mergeRoot(edited(nextOf(simulator), { version: 3 }), 'TRUST_VERSION_UNEXPECTED');
  await mergeRoot(edited(nextOf(simulator), { version: 1 }), 'TRUST_VERSION_ROLLBACK');
  await mergeRoot(nextOf(simulator, 1), 'TRUST_EXPIRED');
  const release = simulator.keys.targets[0]!;
  refuses([await sign(propose(base, { targets: simulator.targets }), release)], base, 'TRUST_VERSION_ROLLBACK');
});

test('judges by what is published, whatever a copy says it came from', async () => {
  const simulator = await start();
  const base = baseOf(simulator);
  // Mallory makes a root of her own and says that it follows one of hers.
  const mallory = key();
  const own = new RepositorySimulator();
  own.keys.root = [mallory];
  own.root = newRoot({ keys: own.publicKeys(), expiresAt: day(365) });
  await own.publishRoot([mallory]);
  const from = new Map([['root', own.file('1.root.json')]]);
  const next = prepareRoot(own.file('1.root.json'), { expiresAt: day(400) });
  const copy = await sign(propose(from, { root: next }), mallory);
  refuses([copy], base, 'TRUST_SIGNATURES_TOO_FEW', { role: 'root', delegator: 'root' });
});

test('nobody signs under the name of a line what would be a root or the targets to others', async () => {
  const simulator = await start();
  const base = baseOf(simulator);
  const [holder] = simulator.lineKeys;
  const targets = prepareTargets(base.get('targets')!, { expiresAt: day(400) });
  for (const disguised of [nextOf(simulator), targets]) {
    await assert.rejects(sign(propose(base, { [LINE]: disguised }), holder!), { code: 'TRUST_METADATA_MALFORMED' });
  }
  const foreign = withTarget(nextTargets(simulator.line, { expiresAt: day(300) }), {
    path: lineKeysPath(LINE),
    sizeBytes: 1,
    sha256: new Uint8Array(32),
  });
  const refusal = { code: 'TRUST_TARGET_OUTSIDE_DELEGATION' };
  await assert.rejects(sign(propose(base, { [LINE]: foreign }), holder!), refusal);
  // Where nobody knows what the line may speak for, nothing is signed for it.
  const alone = propose(new Map(), { [LINE]: simulator.line });
  await assert.rejects(sign(alone, holder!), { code: 'TRUST_SIGNER_UNKNOWN' });
});

test('no flipped bit and no cut of a signed file gets anything else published', async () => {
  const simulator = await start();
  const base = new Map([['root', simulator.file('1.root.json')]]);
  const root = nextOf(simulator);
  const signed = await sign(await sign(propose(base, { root }), alice), bob);
  const file = encodeCeremony({ ...signed, from: new Map() });
  const published = mergeCeremonies([parseCeremony(file)], base, day(2)).metadata.get('root')!;
  let taken = 0;
  for (let at = 0; at < file.length; at += 2) {
    const flipped = file.with(at, file[at]! ^ (1 << ((at >> 1) % 8)));
    try {
      const merged = mergeCeremonies([parseCeremony(flipped)], base, day(2));
      // What is not under the signatures: white space, the purpose, the record, and where the file says it came from.
      assert.deepEqual(merged.metadata.get('root'), published);
      taken += 1;
    } catch (error) {
      if (!(error instanceof TrustError)) throw error;
    }
    // Without its last line end it is the same file.
    if (at % 7 === 0 && at < file.length - 1)
      assert.throws(() => parseCeremony(file.subarray(0, at)), { name: 'TrustError' });
  }
  assert.ok(taken > 0);
});

test('a key that signs again replaces its signature, in the record too', async () => {
  const simulator = await start();
  const ceremony = propose(baseOf(simulator), { root: nextOf(simulator) });
  const twice = await sign(await sign(ceremony, alice), alice);
  assert.equal(twice.metadata.get('root')?.signatures.length, 1);
  assert.equal(twice.record.length, 1);
});

test('changes keys only as far as they are listed', async () => {
  const simulator = await start();
  const root = baseOf(simulator).get('root')!;
  const change = (roles: object) => (): unknown => prepareRoot(root, { roles, expiresAt: day(400) });
  const cases: readonly (readonly [object, TrustErrorCode])[] = [
    [{ root: { add: [alice.publicKey] } }, 'TRUST_KEY_CHANGE_INVALID'],
    [{ root: { add: [dave.publicKey, dave.publicKey] } }, 'TRUST_KEY_CHANGE_INVALID'],
    [{ root: { remove: [idOf(dave)] } }, 'TRUST_KEY_CHANGE_INVALID'],
    [{ root: { remove: [idOf(alice), idOf(bob)] } }, 'TRUST_THRESHOLD_INVALID'],
    [{ root: { threshold: 4 } }, 'TRUST_THRESHOLD_INVALID'],
    [{ root: { threshold: 0 } }, 'TRUST_METADATA_MALFORMED'],
  ];
  for (const [roles, code] of cases) assert.throws(change(roles), { code });
  const targets = baseOf(simulator).get('targets')!;
  const unknown = { delegations: new Map([['nobody', { threshold: 1 }]]), expiresAt: day(400) };
  assert.throws(() => prepareTargets(targets, unknown), { code: 'TRUST_ROLE_UNKNOWN' });
  assert.throws(() => prepareTargets(targets, { revoke: ['nobody'], expiresAt: day(400) }), {
    code: 'TRUST_ROLE_UNKNOWN',
  });
  // A threshold alone leaves the keys as they are written.
  const lower = prepareRoot(root, { roles: { root: { threshold: 1 } }, expiresAt: day(400) });
  assert.deepEqual([...lower.signed.keys.keys()], [...simulator.root.signed.keys.keys()]);
  assert.equal(lower.signed.roles.root.threshold, 1);
});

test('writes and reads the file of a ceremony, and refuses any other form', async () => {
  const simulator = await start();
  const ceremony = await sign(propose(baseOf(simulator), { root: nextOf(simulator) }), alice);
  const text = fromUtf8(encodeCeremony(ceremony));
  const read = parseCeremony(utf8(text));
  assert.deepEqual(encodeCeremony(read), utf8(text));
  assert.deepEqual([...read.from.keys()], ['root', 'targets']);
  type Json = { [name: string]: unknown; record: Record<string, unknown>[] };
  const broken: ((json: Json) => void)[] = [
    (json) => Object.assign(json, { pawlCeremony: 2 }),
    (json) => Object.assign(json, { metadata: {} }),
    (json) => Object.assign(json, { metadata: { root: { signatures: [] } } }),
    (json) => Object.assign(json, { metadata: { 'a\u001b[2K': { signatures: [], signed: {} } } }),
    (json) => Object.assign(json, { purpose: 'two\nlines' }),
    (json) => Object.assign(json, { purpose: 'x'.repeat(201) }),
    (json) => Object.assign(json, { lineKeys: { hub: 'not base64' } }),
    (json) => Object.assign(json, { lineKeys: [] }),
    (json) => Object.assign(json, { from: undefined }),
    (json) => Object.assign(json, { record: {} }),
    (json) => Object.assign(json, { record: Array.from({ length: 1025 }, () => json.record[0]) }),
    (json) => Object.assign(json.record[0]!, { at: 'yesterday' }),
    (json) => Object.assign(json.record[0]!, { at: '2026-01-03' }),
    (json) => Object.assign(json.record[0]!, { version: 0 }),
    (json) => Object.assign(json.record[0]!, { who: 'a\u202eb' }),
  ];
  for (const change of broken) {
    const json = JSON.parse(text) as Json;
    change(json);
    assert.throws(
      () => parseCeremony(utf8(JSON.stringify(json))),
      { code: 'TRUST_METADATA_MALFORMED' },
      String(change),
    );
  }
});
