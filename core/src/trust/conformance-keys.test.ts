/**
 * Keys and schemes, after the cases of tuf-conformance and the key types of other TUF tools: what a client must verify, what
 * it may pass over, and how nobody counts twice.
 */
import assert from 'node:assert/strict';
import { createPublicKey, ECDH, generateKeyPairSync } from 'node:crypto';
import test from 'node:test';
import { fromUtf8, toHex, utf8 } from '../bytes/index.ts';
import { PrivateKey, type PublicKey, type SignatureAlgorithm, sha256 } from '../crypto/index.ts';
import { encodeCanonicalJson } from './canonical-json.ts';
import type { JsonObject } from './json.ts';
import { nextRoot } from './produce-root.ts';
import { day, edited, MemoryPersistence, publicKeys, RepositorySimulator } from './simulator.ts';
import { encodeTufSignature, parseTufKey } from './tuf-key.ts';

const idOf = (json: JsonObject): string => toHex(sha256(encodeCanonicalJson(json)));

/** Changes a published file as JSON, behind the back of whoever signed it. */
function tamper(simulator: RepositorySimulator, name: string, change: (document: TamperedFile) => void): void {
  const document = JSON.parse(fromUtf8(simulator.file(name))) as TamperedFile;
  change(document);
  simulator.files.set(name, utf8(JSON.stringify(document)));
}
type TamperedFile = { signatures: { keyid: string; sig: string }[]; signed: JsonObject };

const SCHEMES: readonly (readonly [SignatureAlgorithm, string, string])[] = [
  ['Ed25519', 'ed25519', 'ed25519'],
  ['ESP256', 'ecdsa', 'ecdsa-sha2-nistp256'],
  ['ESP384', 'ecdsa', 'ecdsa-sha2-nistp384'],
  ['ESP512', 'ecdsa', 'ecdsa-sha2-nistp521'],
  ['PS256', 'rsa', 'rsassa-pss-sha256'],
  ['ML-DSA-44', 'ml-dsa-44', 'ml-dsa-44'],
  ['ML-DSA-65', 'ml-dsa-65', 'ml-dsa-65'],
  ['ML-DSA-87', 'ml-dsa-87', 'ml-dsa-87'],
];

for (const [algorithm, keytype, scheme] of SCHEMES) {
  test(`needs the signature of a second root key of ${keytype}/${scheme}`, async () => {
    const simulator = await RepositorySimulator.start();
    const persist = new MemoryPersistence();
    const second = PrivateKey.generate(algorithm);
    simulator.keys.root.push(second);
    const keys = { root: publicKeys(simulator.keys.root) };
    simulator.root = nextRoot(simulator.root, { keys, thresholds: { root: 2 }, expiresAt: day(365) });
    const listed = Object.values(simulator.root.json['keys'] as Record<string, JsonObject>);
    assert.ok(listed.some((key) => key['keytype'] === keytype && key['scheme'] === scheme));
    await simulator.publishRoot(simulator.keys.root);
    assert.equal((await simulator.refresh(persist, 1)).root.version, 2);

    // The next root carries a signature that looks right and belongs to the one before.
    const old = JSON.parse(fromUtf8(simulator.file('2.root.json'))) as TamperedFile;
    simulator.root = nextRoot(simulator.root, { expiresAt: day(365) });
    await simulator.publishRoot(simulator.keys.root);
    const [, signature] = old.signatures;
    tamper(simulator, '3.root.json', (document) => document.signatures.splice(1, 1, signature!));
    await assert.rejects(simulator.refresh(persist, 1), {
      code: 'TRUST_SIGNATURES_TOO_FEW',
      details: { role: 'root', delegator: 'root', expected: 2, actual: 1 },
    });
  });
}

test('takes RSA keys of 2048 bits or more only', () => {
  for (const modulusLength of [1024, 2048]) {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength });
    const text = publicKey.export({ format: 'pem', type: 'spki' }).toString();
    const form = { keytype: 'rsa', keyval: { public: text }, scheme: 'rsassa-pss-sha256' };
    const parse = (): unknown => parseTufKey(idOf(form), form, 'key');
    if (modulusLength >= 2048) parse();
    else assert.throws(parse, { code: 'TRUST_METADATA_MALFORMED' });
  }
});

/** The same metadata with these keys listed for the timestamp, under a threshold of all of them. */
async function listTimestampKeys(simulator: RepositorySimulator, forms: readonly JsonObject[]): Promise<string[]> {
  await simulator.rotate({});
  const { keys, roles } = simulator.root.json as { keys: JsonObject; roles: JsonObject };
  const ids = forms.map(idOf);
  simulator.root = edited(simulator.root, {
    keys: { ...keys, ...Object.fromEntries(forms.map((form, index) => [ids[index], form])) },
    roles: { ...roles, timestamp: { keyids: ids, threshold: ids.length } },
  });
  await simulator.publishRoot(simulator.keys.root);
  return ids;
}

async function publishTimestampOf(
  simulator: RepositorySimulator,
  ids: readonly string[],
  key: PrivateKey,
): Promise<void> {
  await simulator.publishTimestamp(1);
  const sig = encodeTufSignature(key.publicKey, await key.sign(encodeCanonicalJson(simulator.timestamp!.json)));
  const signatures = ids.map((keyid) => ({ keyid, sig }));
  simulator.files.set('timestamp.json', utf8(JSON.stringify({ signatures, signed: simulator.timestamp!.json })));
}

/** One P-256 key as three SPKI documents: the point uncompressed, compressed, hybrid. */
function pointForms(publicKey: PublicKey): string[] {
  const der = Buffer.from(publicKey.toSpkiDer());
  const point = der.subarray(-65);
  return (['uncompressed', 'compressed', 'hybrid'] as const).map((form) => {
    const bytes = ECDH.convertKey(point, 'prime256v1', undefined, undefined, form) as Buffer;
    const spki = Buffer.concat([der.subarray(0, -65), bytes]);
    // The lengths of the SEQUENCE and of the BIT STRING.
    spki.writeUInt8(spki.length - 2, 1);
    spki.writeUInt8(bytes.length + 1, der.length - 67);
    const key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
    return key.export({ format: 'pem', type: 'spki' }).toString();
  });
}

test('counts one P-256 key once, however its point is written', async () => {
  const key = PrivateKey.generate('ESP256');
  const pems = pointForms(key.publicKey);
  assert.equal(new Set(pems).size, 3);
  const forms = pems.map((pem) => ({ keytype: 'ecdsa', keyval: { public: pem }, scheme: 'ecdsa-sha2-nistp256' }));
  const simulator = await RepositorySimulator.start();
  const ids = await listTimestampKeys(simulator, forms);
  await publishTimestampOf(simulator, ids, key);
  await assert.rejects(simulator.refresh(new MemoryPersistence(), 1), {
    code: 'TRUST_SIGNATURES_TOO_FEW',
    details: { role: 'timestamp', delegator: 'root', expected: 3, actual: 1 },
  });
});

test('counts one RSA key once, though it signs under two schemes', async () => {
  const key = PrivateKey.generate('PS256');
  const { publicKey } = key;
  const pem = publicKey.toSpkiPem();
  const forms = ['rsassa-pss-sha256', 'rsassa-pss-sha384'].map((scheme) => ({
    keytype: 'rsa',
    keyval: { public: pem },
    scheme,
  }));
  const simulator = await RepositorySimulator.start();
  const [first = '', second = ''] = await listTimestampKeys(simulator, forms);
  await simulator.publishTimestamp(1);
  const message = encodeCanonicalJson(simulator.timestamp!.json);
  const other = PrivateKey.fromPkcs8(key.toPkcs8Der(), 'PS384');
  const signatures = [
    { keyid: first, sig: toHex(await key.sign(message)) },
    { keyid: second, sig: toHex(await other.sign(message)) },
  ];
  simulator.files.set('timestamp.json', utf8(JSON.stringify({ signatures, signed: simulator.timestamp!.json })));
  await assert.rejects(simulator.refresh(new MemoryPersistence(), 1), {
    code: 'TRUST_SIGNATURES_TOO_FEW',
    details: { role: 'timestamp', delegator: 'root', expected: 2, actual: 1 },
  });
});

const UNKNOWN: readonly JsonObject[] = [
  { keytype: 'sphincs', keyval: { public: 'ab' }, scheme: 'sphincs-shake-128s' },
  // A kind that is known, with a scheme that is not, and the other way round.
  { keytype: 'rsa', keyval: { public: 'no PEM' }, scheme: 'rsa-pkcs1v15-sha256' },
  { keytype: 'ed448', keyval: { public: 'ab' }, scheme: 'ed25519' },
];

test('passes over keys of an unknown kind where the others meet the threshold, and only there', async () => {
  for (const threshold of [1, 2]) {
    const simulator = await RepositorySimulator.start();
    await simulator.rotate({});
    const { keys, roles } = simulator.root.json as { keys: JsonObject; roles: Record<string, { keyids: string[] }> };
    const unknown = Object.fromEntries(UNKNOWN.map((form) => [idOf(form), form]));
    const keyids = [...Object.keys(unknown), ...roles['timestamp']!.keyids];
    simulator.root = edited(simulator.root, {
      keys: { ...keys, ...unknown },
      roles: { ...roles, timestamp: { keyids, threshold } },
    });
    await simulator.publishRoot(simulator.keys.root);
    tamper(simulator, 'timestamp.json', ({ signatures }) => {
      for (const keyid of Object.keys(unknown)) signatures.push({ keyid, sig: 'ab' });
    });
    const refreshed = simulator.refresh(new MemoryPersistence(), 1);
    if (threshold === 1) assert.equal((await refreshed).timestamp?.version, 1);
    else await assert.rejects(refreshed, { code: 'TRUST_SIGNATURES_TOO_FEW' });
  }
});

test('a role whose threshold its keys cannot meet is refused when it is used, not before', async () => {
  const simulator = await RepositorySimulator.start();
  await simulator.rotate({});
  const { roles } = simulator.root.json as { roles: Record<string, { keyids: string[] }> };
  const snapshot = { ...roles['snapshot'], threshold: 6 } as JsonObject;
  simulator.root = edited(simulator.root, { roles: { ...roles, snapshot } });
  await simulator.publishRoot(simulator.keys.root);
  const persist = new MemoryPersistence();
  await assert.rejects(simulator.refresh(persist, 1), {
    code: 'TRUST_SIGNATURES_TOO_FEW',
    details: { role: 'snapshot', delegator: 'root', expected: 6, actual: 1 },
  });
  assert.deepEqual([...persist.files.keys()], ['root.json', 'timestamp.json']);
});

test('keeps what it does not know in keys and roles under the signature and the key id', async () => {
  const simulator = await RepositorySimulator.start();
  await simulator.rotate({});
  const fresh = PrivateKey.generate('Ed25519');
  const form: JsonObject = {
    keytype: 'ed25519',
    keyval: { public: toHex(fresh.publicKey.toRaw()) },
    scheme: 'ed25519',
    'extra-field': { a: 1, b: [2] },
    // Dropped from the specification; it has no say in how the id is made.
    keyid_hash_algorithms: 'md5',
  };
  const { keys, roles } = simulator.root.json as { keys: JsonObject; roles: JsonObject };
  simulator.root = edited(simulator.root, {
    'custom-field': 'value',
    keys: { ...keys, [idOf(form)]: form },
    roles: { ...roles, timestamp: { keyids: [idOf(form)], threshold: 1, 'another-field': true } },
  });
  await simulator.publishRoot(simulator.keys.root);
  await publishTimestampOf(simulator, [idOf(form)], fresh);
  assert.equal((await simulator.refresh(new MemoryPersistence(), 1)).root.version, 2);
  tamper(simulator, '2.root.json', ({ signed }) => Object.assign(signed, { 'custom-field': 'other' }));
  await assert.rejects(simulator.refresh(new MemoryPersistence(), 1), { code: 'TRUST_SIGNATURES_TOO_FEW' });
});

test('an empty signature beside a good one does no harm', async () => {
  const simulator = await RepositorySimulator.start();
  const left = simulator.keys.timestamp[0]!;
  await simulator.rotate({ timestamp: [left, PrivateKey.generate('Ed25519')] });
  await simulator.publishTimestamp(1);
  const persist = new MemoryPersistence();
  tamper(simulator, 'timestamp.json', ({ signatures }) => Object.assign(signatures[0]!, { sig: '' }));
  assert.equal((await simulator.refresh(persist, 1)).timestamp?.version, 2);
});
