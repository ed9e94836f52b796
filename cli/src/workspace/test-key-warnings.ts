/**
 * Warns when something verifies under a published test key: the mathematics is right, and it proves nothing, because
 * everybody has the private half. Looks at what was given to verify with; what is not a key in a form that is known is passed
 * over here, because the verification has judged it already.
 */
import { X509Certificate } from 'node:crypto';
import { isCodedError } from '@pawl/core/bytes';
import { decodeCoseKey } from '@pawl/core/cose';
import { AgreementPublicKey, PublicKey } from '@pawl/core/crypto';
import { findTestKey, type TestKey } from '@pawl/core/keys';
import { parseLineKeys, parseRoot } from '@pawl/core/trust';
import type { Io, Outcome } from '../frame/command.ts';
import { readInput } from './files.ts';

const KEY_BYTES_MAX = 16 * 1024 * 1024;

type AnyKey = PublicKey | AgreementPublicKey;
type Read = (bytes: Uint8Array, path: string) => readonly (AnyKey | undefined)[];

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Every form in which a key is given to `pawl verify`. */
const FORMS: readonly Read[] = [
  (bytes) => [PublicKey.fromSpki(textOf(bytes))],
  (bytes) => [AgreementPublicKey.fromSpki(textOf(bytes))],
  (bytes) => [PublicKey.fromKeyObject(new X509Certificate(bytes).publicKey)],
  (bytes) => [decodeCoseKey(bytes)],
  (bytes, path) => parseLineKeys(bytes, /([a-z0-9-]+)\.cbor$/.exec(path)?.[1] ?? '').keys,
  (bytes) => [...parseRoot(bytes).signed.keys.values()].map(({ publicKey }) => publicKey),
];

function keysIn(bytes: Uint8Array, path: string): readonly (AnyKey | undefined)[] {
  for (const read of FORMS) {
    try {
      return read(bytes, path);
    } catch (error) {
      // X509Certificate throws what OpenSSL says.
      if (!isCodedError(error) && !(error instanceof Error && 'code' in error)) throw error;
    }
  }
  return [];
}

async function testKeysIn(path: string): Promise<TestKey[]> {
  let bytes: Uint8Array;
  try {
    bytes = await readInput(path, KEY_BYTES_MAX);
  } catch {
    // The verification key of a ledger is given as text, too.
    return [];
  }
  return keysIn(bytes, path).flatMap((key) => (key === undefined ? [] : (findTestKey(key) ?? [])));
}

/** The outcome, with a warning for each published test key among the files that it was verified with. */
export async function withTestKeyWarnings(io: Io, outcome: Outcome, paths: readonly string[]): Promise<Outcome> {
  const found = (await Promise.all(paths.map(testKeysIn))).flat();
  if (found.length === 0) return outcome;
  for (const { id, origin } of found) {
    io.note(`warning: ${id} is a published test key (${origin}): everybody can sign with it`);
  }
  const warnings = found.map(({ id, origin }) => ({ code: 'KEYS_TEST_KEY_BARRED', keyId: id, origin }));
  return { ...outcome, json: { ...(outcome.json as object), warnings } };
}
