import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Zippable, zipSync } from 'fflate';
import {
  deviceKey,
  enrolled,
  imageKey,
  Ledger,
  ledger,
  ledgerKey,
  NAME,
  open,
  refuses,
  resealed,
  sampleBundles,
  trustRoot,
  vkey,
  withLines,
} from '../../test/sample-ledger.ts';
import { fromUtf8, toHex, utf8 } from '../bytes/index.ts';
import { keyIdOf } from '../cose/index.ts';
import { PrivateKey, type Signer, sha256 } from '../crypto/index.ts';
import type { JsonObject } from '../trust/index.ts';
import { CHECKPOINT, CONTENTS, ENTRIES, encodeProof, PROOFS, TRUST_ROOT, VKEY } from './bundle-format.ts';
import { verifyBundle } from './bundle-verify.ts';
import { writeBundle } from './bundle-write.ts';
import { writeZip } from './bundle-zip.ts';
import { canonicalJson } from './canonical-json.ts';
import { signCheckpoint } from './checkpoint.ts';
import { encodeEnvelope, signStatement } from './dsse.ts';
import type { EvidenceErrorCode } from './errors.ts';
import type { PredicateType } from './predicates.ts';
import { encodeVkey } from './signed-note.ts';
import { newStatement } from './statement.ts';

const { complete, partial } = await sampleBundles();

test('a complete bundle proves itself and reports what it holds', () => {
  const report = verifyBundle(complete, { vkey });
  assert.equal(report.origin, NAME);
  assert.deepEqual(report.checkpoint, { size: 6, root: toHex(ledger.root) });
  assert.equal(report.isComplete, true);
  assert.equal(report.trustRootSha256, toHex(sha256(trustRoot)));
  assert.deepEqual(report.counts, {
    'urn:pawl:key-registered:1': 1,
    'urn:pawl:device-enrolled:1': 1,
    'urn:pawl:trust-updated:1': 1,
    'urn:pawl:release:1': 1,
    'urn:pawl:device-report:1': 1,
    'urn:pawl:assignment-transition:1': 1,
  });
  assert.deepEqual(report.entries[4], {
    index: 4,
    predicateType: 'urn:pawl:device-report:1',
    subject: [{ name: 'hub-1', digest: { sha256: 'cd'.repeat(32) } }],
    predicate: { state: 'confirmed' },
    signer: { keyId: keyIdOf(deviceKey.publicKey), kind: 'device' },
  });
  assert.deepEqual(
    report.entries.map(({ signer }) => signer.kind),
    ['ledger', 'ledger', 'ledger', 'registered', 'device', 'ledger'],
  );
});

test('a partial bundle proves its entries by inclusion', () => {
  const report = verifyBundle(partial, { vkey });
  assert.equal(report.isComplete, false);
  assert.deepEqual(
    report.entries.map(({ index }) => index),
    [1, 4],
  );
  assert.deepEqual(report.checkpoint, { size: 6, root: toHex(ledger.root) });
});

test('an empty ledger has a bundle too, and equal input gives equal bytes', async () => {
  const empty = new Ledger();
  assert.deepEqual(verifyBundle(await empty.complete(), { vkey }).entries, []);
  assert.deepEqual(await ledger.complete(), await ledger.complete());
});

test('refuses reordered, dropped, repeated and added entries', () => {
  const change = (code: EvidenceErrorCode, edit: (lines: Uint8Array[]) => Uint8Array[]): void =>
    refuses(
      resealed(complete, 'complete', (members) => withLines(members, ENTRIES, edit)),
      code,
    );
  change('BUNDLE_ROOT_MISMATCH', (lines) => lines.toReversed());
  change('BUNDLE_ROOT_MISMATCH', ([first, second, ...rest]) => [second!, first!, ...rest]);
  change('BUNDLE_ENTRIES_INCOMPLETE', (lines) => lines.slice(0, -1));
  change('BUNDLE_ENTRIES_INCOMPLETE', (lines) => lines.slice(1));
  change('BUNDLE_ENTRIES_INCOMPLETE', (lines) => [...lines, lines[0]!]);
  change('BUNDLE_ROOT_MISMATCH', (lines) => lines.with(5, lines[4]!));
});

test('refuses a partial bundle whose entries and proofs do not belong together', () => {
  const change = (code: EvidenceErrorCode, name: string, edit: (lines: Uint8Array[]) => Uint8Array[]): void =>
    refuses(
      resealed(partial, 'partial', (members) => withLines(members, name, edit)),
      code,
    );
  change('BUNDLE_ENTRIES_INCOMPLETE', ENTRIES, (lines) => lines.slice(1));
  change('BUNDLE_PROOF_INVALID', ENTRIES, (lines) => lines.toReversed());
  change('BUNDLE_PROOF_INVALID', PROOFS, (lines) => lines.with(0, encodeProof({ index: 0, hashes: [] })));
  change('BUNDLE_MEMBER_MALFORMED', PROOFS, (lines) => lines.with(0, canonicalJson({ index: -1, hashes: [] })));
  change('BUNDLE_MEMBER_MALFORMED', PROOFS, (lines) => lines.with(0, canonicalJson({ index: 0, hashes: ['AA=='] })));
  const swapped = resealed(partial, 'partial', (members) => {
    for (const name of [ENTRIES, PROOFS]) withLines(members, name, (lines) => lines.toReversed());
  });
  refuses(swapped, 'BUNDLE_ORDER_INVALID');
  const twice = resealed(partial, 'partial', (members) => {
    for (const name of [ENTRIES, PROOFS]) withLines(members, name, (lines) => [lines[0]!, ...lines]);
  });
  refuses(twice, 'BUNDLE_ORDER_INVALID');
});

test('refuses a forked ledger: a root of the same size over other entries', async () => {
  const fork = new Ledger();
  for (const entry of ledger.entries.slice(0, 5)) await fork.addBytes(entry);
  await fork.add('urn:pawl:assignment-transition:1', { to: 'reverted' }, ledgerKey);
  const checkpoint = utf8(await fork.checkpoint());
  refuses(
    resealed(complete, 'complete', (members) => members.set(CHECKPOINT, checkpoint)),
    'BUNDLE_ROOT_MISMATCH',
  );
  refuses(
    resealed(partial, 'partial', (members) => members.set(CHECKPOINT, checkpoint)),
    'BUNDLE_PROOF_INVALID',
  );
});

test('refuses a bundle of another ledger, whatever key it carries', async () => {
  const other = PrivateKey.generate('Ed25519');
  const otherVkey = encodeVkey(NAME, other.publicKey);
  assert.throws(() => verifyBundle(complete, { vkey: otherVkey }), { code: 'BUNDLE_VKEY_UNEXPECTED' });
  assert.throws(() => verifyBundle(complete, { vkey: 'x' }), { code: 'VKEY_MALFORMED' });
  const checkpoint = await signCheckpoint({ origin: NAME, size: 6, root: ledger.root }, NAME, other);
  const foreign = writeBundle({ kind: 'complete', checkpoint, vkey, entries: ledger.entries });
  refuses(foreign, 'CHECKPOINT_SIGNER_UNKNOWN');
});

test('refuses files that do not belong, appear twice or are missing', () => {
  const zip = (files: Zippable): Uint8Array => zipSync(files, { level: 0 });
  const files = Object.fromEntries(open(complete));
  refuses(zip({ ...files, 'extra.txt': utf8('x') }), 'BUNDLE_MEMBER_UNLISTED');
  refuses(zip({ ...files, '../checkpoint': utf8('x') }), 'BUNDLE_MEMBER_UNLISTED');
  refuses(zip({ ...files, [PROOFS]: utf8('') }), 'BUNDLE_MEMBER_UNLISTED');
  refuses(
    resealed(complete, 'complete', (members) => members.set(PROOFS, utf8(''))),
    'BUNDLE_MEMBER_UNLISTED',
  );
  for (const name of [CONTENTS, CHECKPOINT, VKEY, ENTRIES, TRUST_ROOT]) {
    const { [name]: _, ...rest } = files;
    refuses(zip(rest), 'BUNDLE_MEMBER_MISSING', name);
  }
  refuses(
    resealed(partial, 'partial', (members) => members.delete(PROOFS)),
    'BUNDLE_MEMBER_MISSING',
  );
  refuses(zip({}), 'BUNDLE_MEMBER_MISSING');
  // Two members of one name: rename one in both of its headers.
  const twice = zip({ ...files, [`${CHECKPOINT.slice(0, -1)}T`]: utf8('x') });
  const text = Buffer.from(twice);
  for (let at = text.indexOf('checkpoinT'); at >= 0; at = text.indexOf('checkpoinT', at)) text.write('checkpoint', at);
  refuses(new Uint8Array(text), 'BUNDLE_MEMBER_UNLISTED');
});

test('refuses a table of contents that is not of the one form', () => {
  const contents = (value: JsonObject): Uint8Array => writeZip(open(complete).set(CONTENTS, canonicalJson(value)));
  const members = JSON.parse(fromUtf8(open(complete).get(CONTENTS)!)).members as JsonObject[];
  refuses(contents({ pawlBundle: 2, kind: 'complete', members }), 'BUNDLE_MEMBER_MALFORMED');
  refuses(contents({ pawlBundle: 1, kind: 'other', members }), 'BUNDLE_MEMBER_MALFORMED');
  refuses(contents({ pawlBundle: 1, kind: 'complete', members: [...members, members[0]!] }), 'BUNDLE_MEMBER_MALFORMED');
  refuses(contents({ pawlBundle: 1, kind: 'complete', members, extra: 1 }), 'BUNDLE_MEMBER_MALFORMED');
  refuses(contents({ pawlBundle: 1, kind: 'complete', members: members.slice(1) }), 'BUNDLE_MEMBER_UNLISTED');
  refuses(contents({ pawlBundle: 1, kind: 'partial', members }), 'BUNDLE_MEMBER_MISSING');
  const withoutEnd = resealed(complete, 'complete', (all) => all.set(ENTRIES, all.get(ENTRIES)!.slice(0, -1)));
  refuses(withoutEnd, 'BUNDLE_MEMBER_MALFORMED');
});

test('refuses a bundle over the limit before inflating anything', () => {
  assert.throws(() => verifyBundle(complete, { vkey, sizeBytesMax: complete.length - 1 }), {
    code: 'BUNDLE_TOO_LARGE',
  });
  const bomb = zipSync({ [ENTRIES]: new Uint8Array(16 * 1024 * 1024) }, { level: 6 });
  assert.ok(bomb.length < 100_000);
  const memoryBefore = process.memoryUsage().arrayBuffers;
  assert.throws(() => verifyBundle(bomb, { vkey, sizeBytesMax: 1024 * 1024 }), { code: 'BUNDLE_TOO_LARGE' });
  assert.ok(process.memoryUsage().arrayBuffers - memoryBefore < 8 * 1024 * 1024);
  // A directory that declares less than the data inflates to: nothing beyond the declared size is written.
  const view = Buffer.from(bomb);
  const directory = view.lastIndexOf(Buffer.from('504b0102', 'hex'));
  view.writeUInt32LE(10, directory + 24);
  assert.throws(() => verifyBundle(new Uint8Array(view), { vkey, sizeBytesMax: 1024 * 1024 }), {
    code: /^BUNDLE_(ZIP_MALFORMED|MEMBER_MISSING)$/,
  });
});

test('refuses an entry of a key that nobody introduced, or introduced only later', async () => {
  const stranger = new Ledger();
  await stranger.add('urn:pawl:device-report:1', {}, deviceKey);
  refuses(await stranger.complete(), 'BUNDLE_SIGNER_UNKNOWN');
  await stranger.add('urn:pawl:device-enrolled:1', enrolled, ledgerKey);
  refuses(await stranger.complete(), 'BUNDLE_SIGNER_UNKNOWN');
  refuses(await ledger.partial([4]), 'BUNDLE_SIGNER_UNKNOWN');
});

test('refuses a key that speaks outside its role', async () => {
  const cases: [PredicateType, Signer][] = [
    ['urn:pawl:release:1', deviceKey],
    ['urn:pawl:assignment-transition:1', deviceKey],
    ['urn:pawl:device-enrolled:1', deviceKey],
    ['urn:pawl:key-registered:1', deviceKey],
    ['urn:pawl:device-report:1', ledgerKey],
  ];
  for (const [type, signer] of cases) {
    const unfit = new Ledger();
    await unfit.add('urn:pawl:device-enrolled:1', enrolled, ledgerKey);
    await unfit.add(type, enrolled, signer);
    refuses(await unfit.complete(), 'BUNDLE_SIGNER_UNFIT', type);
  }
});

test('refuses an entry that is no statement, has a wrong signature or introduces no key', async () => {
  const junk = new Ledger();
  await junk.addBytes(utf8('{}'));
  refuses(await junk.complete(), 'BUNDLE_ENTRY_INVALID');
  for (const publicKey of [null, 'not a key', imageKey.publicKey.toSpkiPem().slice(0, 80)]) {
    const keyless = new Ledger();
    await keyless.add('urn:pawl:device-enrolled:1', { publicKey }, ledgerKey);
    refuses(await keyless.complete(), 'BUNDLE_ENTRY_INVALID', String(publicKey));
  }
  const forged = new Ledger();
  const statement = newStatement({
    predicateType: 'urn:pawl:rollout:1',
    subject: [{ name: 'x', digest: { sha256: 'ab'.repeat(32) } }],
    predicate: {},
  });
  const envelope = await signStatement(statement, deviceKey);
  const signature = { ...envelope.signatures[0], keyid: keyIdOf(ledgerKey.publicKey) };
  await forged.addBytes(encodeEnvelope({ ...envelope, signatures: [signature] }));
  refuses(await forged.complete(), 'BUNDLE_ENTRY_INVALID');
});

test('refuses a trust root that no entry records', async () => {
  const checkpoint = await ledger.checkpoint();
  const bytes = writeBundle({ kind: 'complete', checkpoint, vkey, entries: ledger.entries, trustRoot: utf8('{}') });
  refuses(bytes, 'BUNDLE_TRUST_ROOT_UNPROVEN');
});
