/** Approvals: a named person over an exact digest, by passkey or by registered key; and every way to pretend one. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { after, before, test } from 'node:test';
import type { ApprovalSignature } from '@pawl/contract/management';
import { toBase64, toHex } from '@pawl/core/bytes';
import { PrivateKey } from '@pawl/core/crypto';
import { encodeEnvelope, newStatement, type PredicateType, signStatement, verifyBundle } from '@pawl/core/evidence';
import { checkpointOf, exportLedger } from '../src/acts/ledger.ts';
import { ServerLife } from '../src/acts/life.ts';
import { registerApprovalKeyFor, revokeApprovalKey } from '../src/acts/people/approval-key.ts';
import { verifyApprovalSignature } from '../src/acts/people/approval-signature.ts';
import { newOperatorClaim } from '../src/acts/people/claim.ts';
import { disablePerson, invitePerson } from '../src/acts/people/person.ts';
import { beginJoin, join } from '../src/acts/people/session.ts';
import type { ServerPorts } from '../src/acts/ports.ts';
import { Sealer } from '../src/acts/sealer.ts';
import { secretSha256 } from '../src/acts/secret.ts';
import { FolderBlobs } from '../src/blobs/folder-blobs.ts';
import type { Actor } from '../src/domain/actor.ts';
import { EGRESS_DEFAULT } from '../src/egress/post.ts';
import { appendEnvelope, sequencePending, settleLedger } from '../src/store/ledger.ts';
import { findSessionActor } from '../src/store/sessions.ts';
import { openSqlite } from '../src/store/sqlite-database.ts';
import { SoftAuthenticator, type Twist } from './soft-authenticator.ts';

const ORIGIN = 'https://updates.example';
const folder = mkdtempSync(joinPath(tmpdir(), 'pawl-approval-'));
const digest = new Uint8Array(randomBytes(32));
let ports: ServerPorts;
type Member = { readonly id: number; readonly actor: Actor; readonly authenticator: SoftAuthenticator };
let admin: Member;
let ada: Member;
let bob: Member;

const newSecret = () => randomBytes(32).toString('base64url');

async function comeIn(claim: string, name: string): Promise<Member> {
  const options = await beginJoin(ports, { claim, name });
  const authenticator = new SoftAuthenticator(ORIGIN);
  const credential = authenticator.create(options);
  const visit = { source: '127.0.0.1', userAgent: 'test', requestId: '1', sessionSecret: undefined };
  const { person, secret } = await join(ports, { claim, name, label: 'soft', credential }, visit);
  const found = await findSessionActor(ports.database.read, secretSha256(secret), ports.now().getTime());
  assert.ok(found);
  return { id: person.id, actor: found.actor, authenticator };
}

before(async () => {
  const [ledger, snapshot, timestamp] = [1, 2, 3].map(() => PrivateKey.generate('Ed25519'));
  assert.ok(ledger && snapshot && timestamp);
  ports = {
    database: openSqlite(folder),
    blobs: new FolderBlobs(`${folder}/blobs`),
    keys: { ledger, snapshot, timestamp },
    ledgerOrigin: 'pawl-ledger/test',
    site: () => ({ origin: ORIGIN, rpId: 'updates.example' }),
    challengeSecret: newSecret(),
    sealer: new Sealer('a secret of a test', () => new Uint8Array(randomBytes(12))),
    now: () => new Date('2026-03-01T12:00:00Z'),
    newSecret,
    chance: () => 0,
    life: new ServerLife(),
    egress: EGRESS_DEFAULT,
  };
  admin = await comeIn((await newOperatorClaim(ports, 'default')) ?? '', 'Root');
  const invite = async (name: string) =>
    comeIn((await invitePerson(ports, admin.actor, { name, roles: ['approver'] })).claim, name);
  ada = await invite('Ada');
  bob = await invite('Bob');
});
after(async () => {
  await ports.database.close();
  rmSync(folder, { recursive: true });
});

const verify = (personId: number, signature: ApprovalSignature, over = digest) =>
  ports.database.write((trx) =>
    verifyApprovalSignature(trx, ports, { tenantId: admin.actor.tenantId, personId, digest: over, signature }),
  );
const refused = async (personId: number, signature: ApprovalSignature, what: string, over = digest) =>
  assert.rejects(verify(personId, signature, over), { code: 'APPROVAL_SIGNATURE_INVALID' }, what);

const byPasskey = (who: Member, over = digest, twist: Twist = {}): ApprovalSignature => {
  const challenge = Buffer.from(over).toString('base64url');
  return { kind: 'passkey', assertion: who.authenticator.get({ challenge }, twist) };
};

async function byKey(
  key: PrivateKey,
  over = digest,
  predicateType: PredicateType = 'urn:pawl:approval:1',
  more = 0,
): Promise<ApprovalSignature> {
  const one = { name: 'rollout/1', digest: { sha256: toHex(over) } };
  const subject = Array.from({ length: 1 + more }, () => one);
  const statement = newStatement({ predicateType, subject, predicate: { rolloutId: 1 } });
  return { kind: 'statement', envelope: toBase64(encodeEnvelope(await signStatement(statement, key))) };
}

test('a passkey approves the digest that is its challenge, for the person whose it is', async () => {
  const { signedWith } = await verify(ada.id, byPasskey(ada));
  assert.equal(signedWith, `passkey/${ada.authenticator.credentialId.toString('base64url')}`);
});

test('a passkey of somebody else, over something else, elsewhere or unverified approves nothing', async () => {
  const other = new Uint8Array(randomBytes(32));
  await refused(bob.id, byPasskey(ada), 'somebody else');
  await refused(ada.id, byPasskey(ada, other), 'another digest');
  await refused(ada.id, byPasskey(ada, digest, { challenge: Buffer.from(digest).toString('hex') }), 'hex');
  await refused(ada.id, byPasskey(ada, digest, { origin: 'https://updates.example.evil' }), 'another origin');
  await refused(ada.id, byPasskey(ada, digest, { rpId: 'evil.example' }), 'another site');
  await refused(ada.id, byPasskey(ada, digest, { isUserVerified: false }), 'unverified');
  await refused(ada.id, byPasskey(ada, digest, { type: 'webauthn.create' }), 'another ceremony');
  await refused(ada.id, byPasskey(ada, digest, { crossOrigin: true }), 'in a frame');
  await refused(
    ada.id,
    byPasskey(ada, digest, { userHandle: bob.authenticator.credentialId.toString('base64url') }),
    'account',
  );
  const { privateKey: signWith } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await refused(ada.id, byPasskey(ada, digest, { signWith }), 'another key');
  await assert.rejects(verify(ada.id, byPasskey(ada), new Uint8Array(20)), TypeError);
});

test('a registered key approves by a statement about the digest; the bundle proves it offline', async () => {
  const key = PrivateKey.generate('ESP256');
  const input = { label: 'token', publicKeyPem: key.publicKey.toSpkiPem() };
  await refused(ada.id, await byKey(key), 'not registered');
  await registerApprovalKeyFor(ports, admin.actor, ada.id, input);
  const { signedWith, envelope } = await verify(ada.id, await byKey(key));
  assert.match(signedWith, /^key\/[0-9a-f]{64}$/);
  assert.ok(envelope);
  await refused(bob.id, await byKey(key), 'somebody else');
  await refused(ada.id, await byKey(key, new Uint8Array(randomBytes(32))), 'another digest');
  await refused(ada.id, await byKey(key, digest, 'urn:pawl:release:1'), 'another kind of statement');
  await refused(ada.id, await byKey(key, digest, 'urn:pawl:approval:1', 1), 'two subjects');
  await refused(ada.id, { kind: 'statement', envelope: toBase64(new Uint8Array([123, 125])) }, 'no envelope');
  const again = registerApprovalKeyFor(ports, admin.actor, bob.id, input);
  await assert.rejects(again, { code: 'APPROVAL_KEY_EXISTS' });
  await ports.database.write(async (trx) => {
    await appendEnvelope(trx, envelope, {
      tenantId: admin.actor.tenantId,
      predicateType: 'urn:pawl:approval:1',
      subject: 'rollout/1',
    });
  });
  await settleLedger(ports.database);
  const bundle = await exportLedger(ports.database.read, ports, admin.actor.tenantId);
  const { vkey } = await checkpointOf(ports.database.read, ports);
  assert.ok(verifyBundle(bundle, { vkey }));
  await revokeApprovalKey(ports, ada.actor, signedWith.slice(4));
  await refused(ada.id, await byKey(key), 'revoked');
  const twice = revokeApprovalKey(ports, ada.actor, signedWith.slice(4));
  await assert.rejects(twice, { code: 'APPROVAL_KEY_UNKNOWN' });
});

test('a key that an approver registered signs approvals, and is no release key to a bundle', async () => {
  const key = PrivateKey.generate('Ed25519');
  const input = { label: 'k', publicKeyPem: key.publicKey.toSpkiPem() };
  await registerApprovalKeyFor(ports, admin.actor, bob.id, input);
  const signed = await byKey(key, digest, 'urn:pawl:release:1');
  assert.ok(signed.kind === 'statement');
  const envelope = new Uint8Array(Buffer.from(signed.envelope, 'base64'));
  await assert.rejects(
    ports.database.write(async (trx) => {
      await appendEnvelope(trx, envelope, {
        tenantId: admin.actor.tenantId,
        predicateType: 'urn:pawl:release:1',
        subject: 'x',
      });
      await sequencePending(trx);
      const bundle = await exportLedger(trx, ports, admin.actor.tenantId);
      verifyBundle(bundle, { vkey: (await checkpointOf(trx, ports)).vkey });
    }),
    { code: 'BUNDLE_SIGNER_UNFIT' },
  );
});

test('no key that is none, that everybody has, or that somebody registers who holds less', async () => {
  const unfit = (publicKeyPem: string) =>
    registerApprovalKeyFor(ports, admin.actor, ada.id, { label: 'k', publicKeyPem });
  await assert.rejects(unfit('-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n'), {
    code: 'APPROVAL_KEY_UNFIT',
  });
  const publicKeyPem = PrivateKey.generate('Ed25519').publicKey.toSpkiPem();
  const weak: Actor = { ...admin.actor, permissions: new Set(['people:write']) };
  const call = registerApprovalKeyFor(ports, weak, ada.id, { label: 'k', publicKeyPem });
  await assert.rejects(call, { code: 'ROLE_EXCEEDS_GRANTER' });
});

test('whoever is shut out approves nothing any more', async () => {
  await disablePerson(ports, admin.actor, bob.id);
  await refused(bob.id, byPasskey(bob), 'shut out');
});
