import assert from 'node:assert/strict';
import test from 'node:test';
import { concat } from '../bytes/index.ts';
import { type CborValue, decodeCbor, encodeCbor } from '../cbor/index.ts';
import { coseKeyThumbprint, encodeCoseKey } from '../cose/index.ts';
import { AgreementKey, PrivateKey } from '../crypto/index.ts';
import { encodeLineKeys, isLineName, lineKeysPath, parseLineKeys } from './line-keys.ts';

const p256 = PrivateKey.generate('ESP256').publicKey;
const mlDsa = PrivateKey.generate('ML-DSA-65').publicKey;

test('reads back the key list of a line', () => {
  const bytes = encodeLineKeys({ line: 'hub', keys: [p256, mlDsa], requiredAlgorithms: ['ESP256', 'ML-DSA-65'] });
  const read = parseLineKeys(bytes, 'hub');
  assert.equal(read.line, 'hub');
  assert.deepEqual(read.requiredAlgorithms, ['ESP256', 'ML-DSA-65']);
  assert.deepEqual(read.keys.map(coseKeyThumbprint), [p256, mlDsa].map(coseKeyThumbprint));
  assert.equal(lineKeysPath('hub'), 'keys/hub.cbor');
});

test('knows the grammar of line names', () => {
  for (const name of ['a', '0', 'hub-4', 'x'.repeat(63)]) assert.equal(isLineName(name), true, name);
  for (const name of ['', '-a', 'A', 'a_b', 'a/b', '..', 'x'.repeat(64), 'é', 'a\n'])
    assert.equal(isLineName(name), false, name);
});

const INVALID: readonly [what: string, value: CborValue][] = [
  ['not a map', []],
  [
    'no line',
    new Map<CborValue, CborValue>([
      ['keys', [encodeCoseKey(p256)]],
      ['required', [-9]],
    ]),
  ],
  ['another line', list({ line: 'door' })],
  ['a line that is no name', list({ line: 'Hub' })],
  ['no keys', list({ keys: [] })],
  ['keys that are no keys', list({ keys: [Uint8Array.of(1, 2)] })],
  ['a key twice', list({ keys: [encodeCoseKey(p256), encodeCoseKey(p256)] })],
  ['an agreement key', list({ keys: [encodeCoseKey(AgreementKey.generate().publicKey)] })],
  ['nothing required', list({ required: [] })],
  ['an algorithm twice', list({ required: [-9, -9] })],
  ['an unknown algorithm', list({ required: [-257] })],
  ['the older number of an algorithm', list({ required: [-7] })],
  ['an algorithm without a key', list({ required: [-9, -19] })],
  ['a member more', new Map([...list({}), ['extra', 1]])],
];

function list(members: Record<string, CborValue>): Map<CborValue, CborValue> {
  return new Map(Object.entries({ line: 'hub', keys: [encodeCoseKey(p256)], required: [-9], ...members }));
}

test('refuses a key list that is not valid', () => {
  parseLineKeys(encodeCbor(list({})), 'hub');
  for (const [what, value] of INVALID) {
    assert.throws(() => parseLineKeys(encodeCbor(value), 'hub'), { code: 'TRUST_LINE_KEYS_INVALID' }, what);
  }
  assert.throws(() => parseLineKeys(concat(encodeCbor(list({})), Uint8Array.of(0)), 'hub'), {
    code: 'TRUST_LINE_KEYS_INVALID',
  });
  assert.throws(() => parseLineKeys(new Uint8Array(65_537), 'hub'), { code: 'TRUST_LINE_KEYS_INVALID' });
});

test('refuses every truncation of a key list', () => {
  const bytes = encodeLineKeys({ line: 'hub', keys: [p256], requiredAlgorithms: ['ESP256'] });
  for (let length = 0; length < bytes.length; length += 1) {
    assert.throws(() => parseLineKeys(bytes.subarray(0, length), 'hub'), { code: 'TRUST_LINE_KEYS_INVALID' });
  }
  assert.ok(decodeCbor(bytes) instanceof Map);
});

test('refuses to write a key list that would be refused', () => {
  const lists = [
    { line: 'Hub', keys: [p256], requiredAlgorithms: ['ESP256'] },
    { line: 'hub', keys: [p256], requiredAlgorithms: ['Ed25519'] },
    { line: 'hub', keys: [p256], requiredAlgorithms: [] },
  ] as const;
  for (const bad of lists) assert.throws(() => encodeLineKeys(bad), { code: 'TRUST_LINE_KEYS_INVALID' });
});
