/** Evidence as a token: what stands in it by the numbers of the RFCs, and everything that is refused. */
import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { test } from 'node:test';
import { decode, encode, Tag } from 'cbor2';
import { concat, fromHex, utf8 } from '../bytes/index.ts';
import { type CborValue, encodeCbor } from '../cbor/index.ts';
import { coseKeyThumbprint, signSign1 } from '../cose/index.ts';
import { PrivateKey, sha256 } from '../crypto/index.ts';
import { EVIDENCE_BYTES_MAX, signEvidence, verifyEvidence } from './eat.ts';
import type { EatClaims } from './eat-claims.ts';

const KEY = PrivateKey.generate('ESP256');
const OTHER = PrivateKey.generate('ESP256');
const DIGEST = sha256(utf8('image'));
const NONCE = sha256(utf8('nonce'));
const GOOD: EatClaims = {
  nonce: NONCE,
  version: '1.2.0',
  imageDigest: DIGEST,
  sequenceNumber: 7n,
  securityFloor: 18_446_744_073_709_551_615n,
};

const CWT = Uint8Array.of(0xd8, 0x3d);
const UEID = concat(Uint8Array.of(1), coseKeyThumbprint(KEY.publicKey));

type Claim = readonly [number, CborValue];
const component = (parts: readonly Claim[]): Claim => [273, [[295, encodeCbor(new Map(parts))]]];
const ID: Claim = [1, ['image', ['1.2.0', 16384]]];
const CLAIMS: readonly Claim[] = [
  [10, NONCE],
  [256, UEID],
  [265, 'urn:pawl:eat:1'],
  component([ID, [2, [1, DIGEST]]]),
  [-70001, 7],
  [-70002, 3],
];

const tokenOf = async (payload: Uint8Array): Promise<Uint8Array> => concat(CWT, await signSign1({ payload }, KEY));
/** The claims with some in the place of others, signed by the device all the same. */
const lying = (...changed: readonly Claim[]): Promise<Uint8Array> =>
  tokenOf(encodeCbor(new Map([...CLAIMS, ...changed])));
const without = (key: number): Promise<Uint8Array> =>
  tokenOf(encodeCbor(new Map(CLAIMS.filter(([each]) => each !== key))));

function assertRefused(bytes: Uint8Array, code: string, name: string): void {
  assert.throws(() => verifyEvidence(bytes, KEY.publicKey), { name: 'AttestError', code }, name);
}

test('what was signed is what is read', async () => {
  assert.deepEqual(verifyEvidence(await signEvidence(GOOD, KEY), KEY.publicKey).claims, GOOD);
  assert.equal(verifyEvidence(await lying(), KEY.publicKey).claims.securityFloor, 3n);
  for (const algorithm of ['Ed25519', 'ESP384', 'ML-DSA-65', 'ML-DSA-87'] as const) {
    const key = PrivateKey.generate(algorithm);
    assert.deepEqual(verifyEvidence(await signEvidence(GOOD, key), key.publicKey).claims, GOOD, algorithm);
  }
});

test('another CBOR reader and another verifier find the claims of RFC 9711 and RFC 10013 in it', async () => {
  const cwt = decode(await signEvidence(GOOD, KEY)) as Tag;
  assert.equal(cwt.tag, 61, 'RFC 8392 §6: a CWT');
  const sign1 = cwt.contents as Tag;
  assert.equal(sign1.tag, 18, 'RFC 9052 §4.2: COSE_Sign1');
  const [protectedBytes, unprotected, payload, signature] = sign1.contents as Uint8Array[];
  assert.deepEqual(unprotected, {});
  const claims = decode(payload!, { preferMap: true }) as Map<number, unknown>;
  assert.deepEqual(
    [...claims.keys()].toSorted((a, b) => a - b),
    [-70002, -70001, 10, 256, 265, 273],
  );
  assert.deepEqual([claims.get(10), claims.get(256), claims.get(265)], [NONCE, UEID, 'urn:pawl:eat:1']);
  const [[format, content] = []] = claims.get(273) as [number, Uint8Array][];
  const measured = decode(content!, { preferMap: true }) as Map<number, unknown>;
  assert.equal(format, 295, 'application/measured-component+cbor');
  assert.deepEqual(
    [...measured],
    [
      [1, ['image', ['1.2.0', 16384]]],
      [2, [1, DIGEST]],
    ],
  );
  // RFC 9052 §4.4, by node:crypto alone.
  const key = createPublicKey(KEY.publicKey.toSpkiPem());
  const toBeSigned = encode(['Signature1', protectedBytes, new Uint8Array(), payload]);
  assert.ok(verify('sha256', toBeSigned, { key, dsaEncoding: 'ieee-p1363' }, signature!));
});

test('the example of RFC 9711 A.2.1 is a token, and not one of this device', () => {
  const header = fromHex('a10126');
  const payload = fromHex(
    'a60a4cd79b964ddd5471c1393c8888190100500198f50a4ff6c05861c8860d13a638ea19010219faf2190106f519010703190104' +
      '8263332e3101',
  );
  const signature = fromHex(
    '9b9b2f5e470000f6a20c8a4157b5763fc45be7599a5334028517768c21affb845a56ab557e0c8973a07417391243a79c478562d2' +
      '85612e292c622162ab233787',
  );
  const token = encode(new Tag(61, new Tag(18, [header, new Map(), payload, signature])));
  assertRefused(token, 'ATTEST_SIGNATURE_INVALID', 'signed by another key');
});

test('nonces that are no question are not signed', async () => {
  for (const size of [0, 7, 65, 4096]) {
    await assert.rejects(signEvidence({ ...GOOD, nonce: new Uint8Array(size) }, KEY), { code: 'ATTEST_NONCE_INVALID' });
  }
  for (const size of [8, 64]) await signEvidence({ ...GOOD, nonce: new Uint8Array(size) }, KEY);
});

test('what the device did not sign is refused', async () => {
  const good = await signEvidence(GOOD, KEY);
  assertRefused(await signEvidence(GOOD, OTHER), 'ATTEST_SIGNATURE_INVALID', "another device's key");
  const changed = good.slice();
  const at = Buffer.from(good).indexOf(DIGEST);
  changed[at] = changed[at]! ^ 1;
  assertRefused(changed, 'ATTEST_SIGNATURE_INVALID', 'a changed digest');
  const sign1 = (decode(good) as Tag).contents as Tag;
  const [, , payload, signature] = sign1.contents as Uint8Array[];
  const message = (parts: readonly unknown[]): Uint8Array => encode(new Tag(61, new Tag(18, parts)));
  const header = (alg: unknown): Uint8Array => encode(new Map([[1, alg]]));
  const TABLE: readonly (readonly [string, Uint8Array, string])[] = [
    [
      'an algorithm nobody knows',
      message([header(-60_000), new Map(), payload, signature]),
      'ATTEST_SIGNATURE_INVALID',
    ],
    ['an algorithm of text', message([header('none'), new Map(), payload, signature]), 'ATTEST_SIGNATURE_INVALID'],
    ['no algorithm', message([new Uint8Array(), new Map(), payload, signature]), 'ATTEST_SIGNATURE_INVALID'],
    [
      'an algorithm that is not signed',
      message([new Uint8Array(), new Map([[1, -9]]), payload, signature]),
      'ATTEST_SIGNATURE_INVALID',
    ],
    [
      'another algorithm for the key',
      message([header(-19), new Map(), payload, signature]),
      'ATTEST_SIGNATURE_INVALID',
    ],
    ['an empty signature', message([header(-9), new Map(), payload, new Uint8Array()]), 'ATTEST_SIGNATURE_INVALID'],
    ['no signature', message([header(-9), new Map(), payload]), 'ATTEST_EVIDENCE_MALFORMED'],
    ['no payload', message([header(-9), new Map(), null, signature]), 'ATTEST_EVIDENCE_MALFORMED'],
    ['the claims alone', payload!, 'ATTEST_EVIDENCE_MALFORMED'],
    ['unsigned claims in the tag of a CWT (UCCS)', concat(CWT, payload!), 'ATTEST_EVIDENCE_MALFORMED'],
    [
      'a MAC',
      encode(new Tag(61, new Tag(17, [header(5), new Map(), payload, signature]))),
      'ATTEST_EVIDENCE_MALFORMED',
    ],
    ['without the tag of a CWT', good.subarray(2), 'ATTEST_EVIDENCE_MALFORMED'],
    ['trailing bytes', concat(good, Uint8Array.of(0)), 'ATTEST_EVIDENCE_MALFORMED'],
    ['nothing', new Uint8Array(), 'ATTEST_EVIDENCE_MALFORMED'],
    ['too much', new Uint8Array(EVIDENCE_BYTES_MAX + 1).fill(0xd8), 'ATTEST_EVIDENCE_MALFORMED'],
  ];
  for (const [name, bytes, code] of TABLE) assertRefused(bytes, code, name);
  for (let cut = 0; cut < good.length; cut += 3) {
    assertRefused(good.subarray(0, cut), 'ATTEST_EVIDENCE_MALFORMED', `the first ${cut} bytes`);
  }
});

test('of what the device signed, exactly the profile is read', async () => {
  const MALFORMED = 'ATTEST_EVIDENCE_MALFORMED';
  const digest: Claim = [2, [1, DIGEST]];
  const TABLE: readonly (readonly [string, Promise<Uint8Array>, string])[] = [
    ['another profile', lying([265, 'urn:ietf:rfc:rfc9711']), 'ATTEST_PROFILE_UNKNOWN'],
    ['no profile', without(265), 'ATTEST_PROFILE_UNKNOWN'],
    [
      'the identity of another device',
      lying([256, concat(Uint8Array.of(1), coseKeyThumbprint(OTHER.publicKey))]),
      'ATTEST_DEVICE_DIFFERS',
    ],
    ['no identity', without(256), MALFORMED],
    ['a nonce of 7 bytes', lying([10, new Uint8Array(7)]), 'ATTEST_NONCE_INVALID'],
    ['a nonce of 65 bytes', lying([10, new Uint8Array(65)]), 'ATTEST_NONCE_INVALID'],
    ['several nonces', lying([10, [NONCE, NONCE]]), MALFORMED],
    ['no nonce', without(10), MALFORMED],
    ['no measurement', without(273), MALFORMED],
    ['an empty list of measurements', lying([273, []]), MALFORMED],
    [
      'two measurements',
      lying([
        273,
        [
          [295, new Uint8Array()],
          [295, new Uint8Array()],
        ],
      ]),
      MALFORMED,
    ],
    ['CoSWID', lying([273, [[258, encodeCbor(new Map([ID, digest]))]]]), MALFORMED],
    ['a measurement that is no CBOR', lying([273, [[295, Uint8Array.of(0xff)]]]), MALFORMED],
    ['a raw measurement', lying(component([ID, [5, DIGEST]])), MALFORMED],
    ['a digest by name', lying(component([ID, [2, ['sha-256', DIGEST]]])), MALFORMED],
    ['a COSE number for the digest', lying(component([ID, [2, [-16, DIGEST]]])), MALFORMED],
    ['half a digest', lying(component([ID, [2, [1, DIGEST.subarray(16)]]])), MALFORMED],
    ['authorities', lying(component([ID, digest, [3, [DIGEST]]])), MALFORMED],
    ['flags', lying(component([ID, digest, [4, new Uint8Array(8)]])), MALFORMED],
    ['another component', lying(component([[1, ['boot loader X', ['1.2.0', 16384]]], digest])), MALFORMED],
    ['no version', lying(component([[1, ['image']], digest])), MALFORMED],
    ['another scheme of versions', lying(component([[1, ['image', ['1.2.0', 1]]], digest])), MALFORMED],
    ['a version without end', lying(component([[1, ['image', ['1'.repeat(129), 16384]]], digest])), MALFORMED],
    ['a sequence number below zero', lying([-70001, -1]), MALFORMED],
    ['a sequence number as text', lying([-70001, '7']), MALFORMED],
    ['no floor', without(-70002), MALFORMED],
    ['a claim too many', lying([6, 1_700_000_000]), MALFORMED],
    ['claims of more than they may', lying([10, new Uint8Array(2000)]), MALFORMED],
    ['a list for the claims', tokenOf(encodeCbor([1])), MALFORMED],
    ['claims and a byte', tokenOf(concat(encodeCbor(new Map(CLAIMS)), Uint8Array.of(0))), MALFORMED],
    ['claims out of order', tokenOf(encode(new Map([...CLAIMS].reverse() as [number, unknown][]))), MALFORMED],
  ];
  for (const [name, bytes, code] of TABLE) assertRefused(await bytes, code, name);
});
