/**
 * The passphrase derivation that an encrypted private key asks for (RFC 5958 §3; PBES2 of RFC 8018 A.4 with PBKDF2, or
 * scrypt of RFC 7914 §7), read before it is paid, so that a planted file cannot keep the machine busy for hours.
 */
import { toHex } from '../bytes/index.ts';
import { KeysError } from './errors.ts';

/** OpenSSL asks for 2,048 rounds by itself, and people for up to a million. */
const PBKDF2_ROUNDS_MAX = 5_000_000;
/** N·r·p: 2^20·8·1 is what RFC 7914 recommends for files. */
const SCRYPT_COST_MAX = 2 ** 24;
const SEQUENCE = 0x30;
const OID = 0x06;
const OCTETS = 0x04;
const INTEGER = 0x02;
const PBES2 = '2a864886f70d01050d';
const PBKDF2 = '2a864886f70d01050c';
const SCRYPT = '2b06010401da47040b';

function unreadable(reason: string): KeysError {
  return new KeysError('KEYS_IMPORT_UNREADABLE', { reason });
}

/** Reads DER elements of one level, one after the other. */
class DerReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }
  #byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw unreadable('cut DER');
    this.#at += 1;
    return byte;
  }
  #length(): number {
    const first = this.#byte();
    if (first < 0x80) return first;
    const count = first & 0x7f;
    // Nothing that we read is longer than 64 KiB.
    if (count === 0 || count > 3) throw unreadable('a DER length');
    let length = 0;
    for (let at = 0; at < count; at++) length = length * 256 + this.#byte();
    return length;
  }
  read(tag: number): Uint8Array {
    if (this.#byte() !== tag) throw unreadable('another structure than PBES2');
    const length = this.#length();
    const body = this.#bytes.subarray(this.#at, this.#at + length);
    if (body.length !== length) throw unreadable('cut DER');
    this.#at += length;
    return body;
  }
  enter(): DerReader {
    return new DerReader(this.read(SEQUENCE));
  }
  integer(): number {
    const body = this.read(INTEGER);
    if (body.length === 0 || body.length > 6 || (body[0] ?? 0) > 0x7f) throw unreadable('a derivation without bounds');
    return body.reduce((value, byte) => value * 256 + byte, 0);
  }
}

/**
 * Refuses a derivation that is not known or costs more than anybody needs.
 * @throws KeysError KEYS_IMPORT_UNREADABLE
 */
export function assertDerivationBounded(der: Uint8Array): void {
  const algorithm = new DerReader(der).enter().enter();
  if (toHex(algorithm.read(OID)) !== PBES2) throw unreadable('not encrypted with PBES2');
  const derivation = algorithm.enter().enter();
  const name = toHex(derivation.read(OID));
  const parameters = derivation.enter();
  parameters.read(OCTETS);
  const cost =
    name === SCRYPT ? parameters.integer() * parameters.integer() * parameters.integer() : parameters.integer();
  if (name !== PBKDF2 && name !== SCRYPT) throw unreadable('an unknown passphrase derivation');
  if (cost > (name === SCRYPT ? SCRYPT_COST_MAX : PBKDF2_ROUNDS_MAX)) throw unreadable(`a derivation cost of ${cost}`);
}
