/**
 * What a hostile repository, relay or key holder may try, after the cases of tuf-conformance: thresholds, expiry,
 * rollback, mix-and-match, freeze, rotation, fast-forward. Each must end in the exact code, and in an unchanged state.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { fromUtf8, toHex, utf8 } from '../bytes/index.ts';
import { PrivateKey, sha256 } from '../crypto/index.ts';
import { encodeCanonicalJson } from './canonical-json.ts';
import type { TrustErrorCode } from './errors.ts';
import type { JsonObject } from './json.ts';
import type { TopRole } from './metadata.ts';
import { newSnapshot } from './produce-freshness.ts';
import { nextTargets, withDelegation, withTarget } from './produce-targets.ts';
import { signMetadata } from './sign-metadata.ts';
import { day, edited, IMAGE_PATH, LINE, MemoryPersistence, publicKeys, RepositorySimulator } from './simulator.ts';

type Refusal = Error & { readonly code?: string; readonly details?: { readonly role?: string } };

type Client = { readonly simulator: RepositorySimulator; readonly persist: MemoryPersistence };

/** A repository, and a client that saw it at day 1. */
async function start(thresholds: Partial<Record<TopRole, number>> = {}): Promise<Client> {
  const simulator = await RepositorySimulator.start(thresholds);
  const persist = new MemoryPersistence();
  await simulator.refresh(persist, 1);
  return { simulator, persist };
}

async function refuse({ simulator, persist }: Client, code: TrustErrorCode, role?: string, days = 2): Promise<void> {
  const before = new Map(persist.files);
  await assert.rejects(simulator.refresh(persist, days), (error: Refusal) => {
    assert.equal(error.code, code, error.message);
    if (role !== undefined) assert.equal(error.details?.role, role, error.message);
    return true;
  });
  for (const name of ['root.json', 'targets.json', 'hub.json']) {
    assert.deepEqual(persist.files.get(name), before.get(name), `${name} stays`);
  }
}

const fresh = (): PrivateKey => PrivateKey.generate('Ed25519');

/** Publishes the next version of each role, signed by `signers` in place of the right ones. */
const PUBLISH: Record<string, (simulator: RepositorySimulator, signers?: PrivateKey[]) => Promise<void>> = {
  root: async (simulator, signers) => {
    const right = simulator.keys.root;
    await simulator.rotate({});
    await simulator.publishRoot(signers ?? right);
  },
  timestamp: async (simulator, signers) => {
    const right = simulator.keys.timestamp;
    simulator.keys.timestamp = signers ?? right;
    await simulator.publishTimestamp(2);
    simulator.keys.timestamp = right;
  },
  snapshot: async (simulator, signers) => {
    const right = simulator.keys.snapshot;
    simulator.keys.snapshot = signers ?? right;
    await simulator.publishFreshness(2);
    simulator.keys.snapshot = right;
  },
  targets: async (simulator, signers) => {
    const right = simulator.keys.targets;
    simulator.keys.targets = signers ?? right;
    simulator.targets = nextTargets(simulator.targets, { expiresAt: day(180) });
    await simulator.publishTargets();
    simulator.keys.targets = right;
    await simulator.publishFreshness(2);
  },
  hub: async (simulator, signers) => {
    const right = simulator.lineKeys;
    simulator.lineKeys = signers ?? right;
    await simulator.release(2);
    simulator.lineKeys = right;
  },
};

test('refuses metadata without a signature, and with one by a stranger, for every role', async () => {
  for (const [role, publish] of Object.entries(PUBLISH)) {
    for (const signers of [[], [fresh()]]) {
      const client = await start();
      await publish(client.simulator, signers);
      await refuse(client, 'TRUST_SIGNATURES_TOO_FEW', role);
    }
  }
});

test('refuses a threshold of two met by one, for every top-level role', async () => {
  for (const role of ['root', 'timestamp', 'snapshot', 'targets'] as const) {
    const client = await start({ [role]: 2 });
    await PUBLISH[role]!(client.simulator, client.simulator.keys[role].slice(0, 1));
    await refuse(client, 'TRUST_SIGNATURES_TOO_FEW', role);
    const honest = await start({ [role]: 2 });
    await PUBLISH[role]!(honest.simulator);
    await honest.simulator.refresh(honest.persist, 2);
  }
});

test('refuses a root that only the old, or only the new, threshold signed', async () => {
  for (const which of ['old', 'new']) {
    const client = await start();
    const old = client.simulator.keys.root;
    await client.simulator.rotate({ root: [fresh()] });
    await client.simulator.publishRoot(which === 'old' ? old : client.simulator.keys.root);
    await refuse(client, 'TRUST_SIGNATURES_TOO_FEW', 'root');
  }
});

test('counts one key under two key ids once', async () => {
  const client = await start();
  const { simulator } = client;
  const key = PrivateKey.generate('ESP256');
  const pem = key.publicKey.toSpkiPem();
  const forms: JsonObject[] = ['ecdsa', 'ecdsa-sha2-nistp256'].map((keytype) => ({
    keytype,
    keyval: { public: pem },
    scheme: 'ecdsa-sha2-nistp256',
  }));
  const ids = forms.map((form) => toHex(sha256(encodeCanonicalJson(form))));
  await simulator.rotate({});
  const root = simulator.root.json as { keys: JsonObject; roles: JsonObject };
  const roles = { ...root.roles, timestamp: { keyids: ids, threshold: 2 } };
  simulator.root = edited(simulator.root, {
    keys: { ...root.keys, [ids[0]!]: forms[0]!, [ids[1]!]: forms[1]! },
    roles,
  });
  await simulator.publishRoot(simulator.keys.root);
  simulator.keys.timestamp = [key];
  await simulator.publishTimestamp(2);
  const signed = JSON.parse(fromUtf8(simulator.file('timestamp.json')));
  const { sig } = signed.signatures[0];
  signed.signatures = ids.map((keyid) => ({ keyid, sig }));
  simulator.files.set('timestamp.json', utf8(JSON.stringify(signed)));
  await assert.rejects(simulator.refresh(client.persist, 2), {
    code: 'TRUST_SIGNATURES_TOO_FEW',
    details: { role: 'timestamp', delegator: 'root', expected: 2, actual: 1 },
  });
});

function changeFile(simulator: RepositorySimulator, name: string, change: (document: never) => void): void {
  const document = JSON.parse(fromUtf8(simulator.file(name)));
  change(document as never);
  simulator.files.set(name, utf8(JSON.stringify(document)));
}

test('refuses the same signature twice, and the same key id twice in a role', async () => {
  const client = await start({ timestamp: 2 });
  await client.simulator.publishTimestamp(2);
  changeFile(client.simulator, 'timestamp.json', (document: { signatures: unknown[] }) => {
    document.signatures = [document.signatures[0], document.signatures[0]];
  });
  await refuse(client, 'TRUST_METADATA_MALFORMED');

  const other = await start();
  await other.simulator.rotate({});
  const roles = structuredClone(other.simulator.root.json['roles']) as { timestamp: { keyids: string[] } };
  roles.timestamp.keyids.push(roles.timestamp.keyids[0]!);
  other.simulator.root = edited(other.simulator.root, { roles });
  await other.simulator.publishRoot(other.simulator.keys.root);
  await refuse(other, 'TRUST_METADATA_MALFORMED');
});

test('accepts a broken or a foreign signature beside enough good ones', async () => {
  const client = await start({ timestamp: 1 });
  const { simulator, persist } = client;
  const extra = fresh();
  await simulator.rotate({ timestamp: [...simulator.keys.timestamp, extra] });
  await simulator.publishTimestamp(2);
  changeFile(simulator, 'timestamp.json', (document: { signatures: { keyid: string; sig: string }[] }) => {
    document.signatures[1]!.sig = 'ff'.repeat(64);
    document.signatures.push({ keyid: '0'.repeat(64), sig: '' });
  });
  await simulator.refresh(persist, 2);
});

test('refuses a role that has expired, and names it', async () => {
  for (const role of ['root', 'timestamp', 'snapshot', 'targets', LINE]) {
    const client = await start();
    const { simulator } = client;
    if (role === 'root') {
      await simulator.rotate({}, -363.5);
    } else if (role === 'timestamp') {
      await simulator.publishTimestamp(-7);
    } else if (role === 'snapshot') {
      await simulator.publishSnapshot(newSnapshotAt(simulator, 1));
      await simulator.publishTimestamp(2);
    } else if (role === 'targets') {
      simulator.targets = nextTargets(simulator.targets, { expiresAt: day(1) });
      await simulator.publishTargets();
      await simulator.publishFreshness(2);
    } else {
      simulator.line = nextTargets(simulator.line, { expiresAt: day(2) });
      await simulator.publishLine();
      await simulator.publishFreshness(2);
    }
    const days = role === 'timestamp' ? 8 : 2;
    await assert.rejects(simulator.refresh(client.persist, days), (error: Refusal) => {
      assert.equal(error.code, 'TRUST_EXPIRED', `${role}: ${error.message}`);
      assert.equal(error.details?.role, role);
      return true;
    });
  }
});

function newSnapshotAt(simulator: RepositorySimulator, expiresDay: number) {
  const made = newSnapshot({ expiresAt: day(expiresDay), roles: simulator.currentRoles() });
  const version = (simulator.snapshot?.signed.version ?? 0) + 1;
  return { ...edited(made, { version }), signed: { ...made.signed, version } };
}

test('does not mind that an intermediate root has expired', async () => {
  const { simulator, persist } = await start();
  await simulator.rotate({}, -365);
  await simulator.rotate({});
  assert.equal((await simulator.refresh(persist, 2)).root.version, 3);
});

test('refuses to go on when everything has expired and nothing newer is served', async () => {
  await refuse(await start(), 'TRUST_EXPIRED', 'timestamp', 30);
  await refuse(await start(), 'TRUST_EXPIRED', 'root', 400);
  const withheld = await start();
  withheld.simulator.files.delete('timestamp.json');
  await refuse(withheld, 'TRUST_EXPIRED', 'timestamp', 30);
});

test('names the expired role when a needed file is withheld', async () => {
  const client = await start();
  await client.simulator.publishTimestamp(20);
  client.simulator.files.delete('1.snapshot.json');
  await refuse(client, 'TRUST_EXPIRED', 'snapshot', 20);
});

test('refuses a freeze: the same timestamp served until it expires', async () => {
  const client = await start();
  await client.simulator.refresh(client.persist, 6);
  await refuse(client, 'TRUST_EXPIRED', 'timestamp', 7);
});

test('refuses rollback of the timestamp and of the snapshot that it names', async () => {
  const client = await start();
  const { simulator, persist } = client;
  const old = simulator.file('timestamp.json');
  await simulator.release(2);
  await simulator.refresh(persist, 2);
  simulator.files.set('timestamp.json', old);
  await refuse(client, 'TRUST_VERSION_ROLLBACK', 'timestamp');
  const members = simulator.timestamp!.json;
  const snapshot = (members['meta'] as { 'snapshot.json': JsonObject })['snapshot.json'];
  await simulator.publishTimestamp(2, { meta: { 'snapshot.json': { ...snapshot, version: 1 } } });
  await refuse(client, 'TRUST_VERSION_ROLLBACK', 'snapshot');
});

async function publishSnapshotWith(
  simulator: RepositorySimulator,
  meta: (old: JsonObject) => JsonObject,
): Promise<void> {
  const next = newSnapshotAt(simulator, 20);
  await simulator.publishSnapshot({ ...next, ...edited(next, { meta: meta(next.json['meta'] as JsonObject) }) });
  await simulator.publishTimestamp(2);
}

test('refuses a snapshot that takes a role back or drops it', async () => {
  for (const [name, role] of [
    ['targets.json', 'targets'],
    ['hub.json', LINE],
  ] as const) {
    const client = await start();
    const { simulator, persist } = client;
    await PUBLISH[role]!(simulator);
    await simulator.refresh(persist, 2);
    await publishSnapshotWith(simulator, (meta) => ({ ...meta, [name]: { version: 1 } }));
    await refuse(client, 'TRUST_VERSION_ROLLBACK', role);
  }
  const client = await start();
  await publishSnapshotWith(client.simulator, ({ 'targets.json': targets }) => ({ 'targets.json': targets! }));
  await refuse(client, 'TRUST_ROLE_MISSING', LINE);
});

test('refuses a file whose version is not the one in its name', async () => {
  const root = await start();
  await root.simulator.rotate({});
  await root.simulator.rotate({});
  root.simulator.files.set('2.root.json', root.simulator.file('3.root.json'));
  await refuse(root, 'TRUST_VERSION_UNEXPECTED', 'root');
  root.simulator.files.set('2.root.json', root.simulator.file('1.root.json'));
  await refuse(root, 'TRUST_VERSION_ROLLBACK', 'root');

  const snapshot = await start();
  await snapshot.simulator.publishFreshness(2);
  const listed = { version: 3 };
  await snapshot.simulator.publishTimestamp(2, { meta: { 'snapshot.json': listed } });
  snapshot.simulator.files.set('3.snapshot.json', snapshot.simulator.file('2.snapshot.json'));
  await refuse(snapshot, 'TRUST_VERSION_UNEXPECTED', 'snapshot');

  for (const [name, role] of [
    ['targets.json', 'targets'],
    ['hub.json', LINE],
  ] as const) {
    const client = await start();
    await publishSnapshotWith(client.simulator, (meta) => ({ ...meta, [name]: { version: 2 } }));
    client.simulator.files.set(`2.${name}`, client.simulator.file(`1.${name}`));
    await refuse(client, 'TRUST_VERSION_UNEXPECTED', role);
  }
});

test('refuses bytes other than those that are listed', async () => {
  for (const [name, publish] of [
    ['2.snapshot.json', 'snapshot'],
    ['2.targets.json', 'targets'],
    ['2.hub.json', 'hub'],
  ] as const) {
    const client = await start();
    await PUBLISH[publish]!(client.simulator);
    const bytes = client.simulator.file(name);
    // The same JSON in other bytes: authentic, and still not what was listed.
    const flipped = bytes.slice();
    flipped[flipped.length - 3]! ^= 1;
    client.simulator.files.set(name, flipped);
    await refuse(client, 'TRUST_DIGEST_MISMATCH');
    client.simulator.files.set(name, bytes.subarray(0, -1));
    await refuse(client, 'TRUST_LENGTH_MISMATCH');
  }
});

test('refuses a listed digest that it cannot compute', async () => {
  const client = await start();
  await publishSnapshotWith(client.simulator, (meta) => ({
    ...meta,
    'hub.json': { version: 2, hashes: { 'sha3-256': '00' } },
  }));
  client.simulator.files.set('2.hub.json', client.simulator.file('1.hub.json'));
  await refuse(client, 'TRUST_DIGEST_UNSUPPORTED');
});

test('refuses the file of one role in place of another, even under one key', async () => {
  const simulator = await RepositorySimulator.start();
  const [key] = simulator.keys.timestamp;
  await simulator.rotate({ snapshot: [key!] });
  simulator.files.set('timestamp.json', await signMetadata(simulator.snapshot!, [key!]));
  await assert.rejects(simulator.refresh(new MemoryPersistence(), 1), { code: 'TRUST_METADATA_MALFORMED' });
});

test('keeps the timestamp that it has when another of the same version is served', async () => {
  const { simulator, persist } = await start();
  const kept = persist.files.get('timestamp.json');
  await simulator.release(2);
  await simulator.publishTimestamp(2, { version: 1 });
  const trusted = await simulator.refresh(persist, 2);
  assert.equal(trusted.snapshot?.version, 1);
  assert.deepEqual(persist.files.get('timestamp.json'), kept);
});

test('follows the rotation of every key, and refuses the old one from then on', async () => {
  for (const role of ['timestamp', 'snapshot', 'targets'] as const) {
    const client = await start();
    const { simulator, persist } = client;
    const old = simulator.keys[role];
    await simulator.rotate({ [role]: [fresh()] });
    if (role === 'targets') await PUBLISH['targets']!(simulator);
    await simulator.publishFreshness(2);
    await simulator.refresh(persist, 2);
    await PUBLISH[role]!(simulator, old);
    await refuse(client, 'TRUST_SIGNATURES_TOO_FEW', role);
  }
  const client = await start();
  const { simulator, persist } = client;
  const old = simulator.keys.root;
  await simulator.rotate({ root: [fresh()] });
  await simulator.refresh(persist, 2);
  await simulator.rotate({});
  await simulator.publishRoot(old);
  await refuse(client, 'TRUST_SIGNATURES_TOO_FEW', 'root');
});

test('follows the rotation of a line key, and refuses the old one', async () => {
  const client = await start();
  const { simulator, persist } = client;
  const old = simulator.lineKeys;
  simulator.lineKeys = [fresh()];
  simulator.targets = withDelegation(nextTargets(simulator.targets, { expiresAt: day(180) }), {
    role: LINE,
    keys: publicKeys(simulator.lineKeys),
    paths: ['hub/*/*'],
  });
  await simulator.publishTargets();
  await simulator.publishFreshness(2);
  // The list that the old key signed is still published: it does not count any more.
  await assert.rejects(simulator.refresh(persist, 2), { code: 'TRUST_SIGNATURES_TOO_FEW' });
  await simulator.release(2);
  await simulator.refresh(persist, 2);
  await PUBLISH['hub']!(simulator, old);
  await refuse(client, 'TRUST_SIGNATURES_TOO_FEW', LINE);
});

test('recovers from a fast-forward attack when the keys are rotated', async () => {
  for (const stolen of ['timestamp', 'snapshot', 'targets']) {
    const client = await start();
    const { simulator, persist } = client;
    const { timestamp, snapshot } = simulator;
    if (stolen === 'timestamp') {
      await simulator.publishTimestamp(2, { version: 1_000_000 });
    } else if (stolen === 'snapshot') {
      const far = newSnapshotAt(simulator, 20);
      const version = 1_000_000;
      await simulator.publishSnapshot({ ...edited(far, { version }), signed: { ...far.signed, version } });
      await simulator.publishTimestamp(2);
    } else {
      simulator.targets = edited(simulator.targets, { version: 1_000_000 });
      simulator.targets = { ...simulator.targets, signed: { ...simulator.targets.signed, version: 1_000_000 } };
      await simulator.publishTargets();
      await simulator.publishFreshness(2);
    }
    await simulator.refresh(persist, 2);
    // The owner comes back with versions from before the attack.
    if (stolen === 'timestamp') simulator.timestamp = timestamp;
    simulator.snapshot = snapshot;
    const version = 2;
    simulator.targets = edited(simulator.targets, { version });
    simulator.targets = { ...simulator.targets, signed: { ...simulator.targets.signed, version } };
    await simulator.publishTargets();
    const content = newSnapshotAt(simulator, 20);
    await simulator.publishSnapshot(content);
    await simulator.publishTimestamp(3);
    await refuse(client, 'TRUST_VERSION_ROLLBACK', undefined, 3);
    const role = stolen === 'timestamp' ? 'timestamp' : 'snapshot';
    await simulator.rotate({ [role]: [fresh()] });
    await simulator.publishSnapshot(content);
    await simulator.publishTimestamp(3);
    const trusted = await simulator.refresh(persist, 3);
    assert.equal(trusted.findTarget(IMAGE_PATH)?.role, LINE, stolen);
  }
});

test('keeps the floor when a key is only added', async () => {
  const client = await start();
  const { simulator, persist } = client;
  const old = simulator.file('timestamp.json');
  await simulator.release(2);
  await simulator.refresh(persist, 2);
  await simulator.rotate({ timestamp: [...simulator.keys.timestamp, fresh()] });
  simulator.files.set('timestamp.json', old);
  await assert.rejects(simulator.refresh(persist, 2), { code: 'TRUST_VERSION_ROLLBACK' });
});

test('refuses the line role when nobody delegates to it', async () => {
  const client = await start();
  await assert.rejects(client.simulator.refresh(client.persist, 2, { roles: ['other'] }), {
    code: 'TRUST_ROLE_UNKNOWN',
  });
});

test('never believes a target of a role that may not speak for its path', async () => {
  const { simulator, persist } = await start();
  simulator.line = withTarget(simulator.line, { path: 'keys/hub.cbor', sizeBytes: 1, sha256: new Uint8Array(32) });
  simulator.line = withTarget(simulator.line, { path: 'door/1.0.0/a.enc', sizeBytes: 1, sha256: new Uint8Array(32) });
  await simulator.release(2);
  const trusted = await simulator.refresh(persist, 2);
  assert.equal(trusted.findTarget('keys/hub.cbor'), undefined);
  assert.equal(trusted.findTarget('door/1.0.0/a.enc'), undefined);
});
