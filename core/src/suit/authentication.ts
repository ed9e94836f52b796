/**
 * Authentication blocks of an envelope against the policy of a product line (draft-ietf-suit-manifest-37 §6.2, §8.3).
 *
 * The policy belongs to the receiver, never to the sender: for every required algorithm at least one block by a listed key
 * of that algorithm must verify. A block of a listed key that fails refuses the envelope, whatever else verifies. Blocks by
 * other keys, and kinds of block that need no listed public key (MACs), do not count. A block that names no key is held to
 * be by the listed keys of its algorithm.
 */
import { isCodedError, isEqualBytes } from '../bytes/index.ts';
import { CborTag, decodeCbor, expectArray, expectMap } from '../cbor/index.ts';
import { coseKeyThumbprint, parseSign1, verifySign1 } from '../cose/index.ts';
import { type PublicKey, SIGNATURE_ALGORITHMS, type SignatureAlgorithm } from '../crypto/index.ts';
import { SuitError } from './errors.ts';

/** Who may sign, and which algorithms must all have signed. */
export type AuthenticationPolicy = {
  readonly keys: readonly PublicKey[];
  readonly requiredAlgorithms: readonly SignatureAlgorithm[];
};

const COSE_SIGN1_TAG = 18;
/** COSE_Mac0, COSE_Mac, COSE_Sign: allowed by the format, never by a listed public key of ours. */
const OTHER_COSE_TAGS: ReadonlySet<number> = new Set([17, 97, 98]);
const HEADER_KID = 4;

/** True for a COSE_Sign1 that has the shape SUIT asks for; false for another kind of block. */
function isSign1(block: Uint8Array): boolean {
  const tagged = decodeCbor(block);
  if (tagged instanceof CborTag && OTHER_COSE_TAGS.has(tagged.tag)) return false;
  if (!(tagged instanceof CborTag) || tagged.tag !== COSE_SIGN1_TAG) {
    throw new SuitError('SUIT_ENVELOPE_MALFORMED', { at: 'authentication block', expected: `tag ${COSE_SIGN1_TAG}` });
  }
  const [, unprotected, payload] = expectArray(tagged.value, 'authentication block', 4);
  // §8.3: detached payload. Unsigned headers carry nothing but the key's name.
  const isNameOnly = [...expectMap(unprotected, 'authentication block').keys()].every((key) => key === HEADER_KID);
  if (payload !== null || !isNameOnly) {
    throw new SuitError('SUIT_ENVELOPE_MALFORMED', { at: 'authentication block', expected: 'detached, kid only' });
  }
  return true;
}

function signersOf(block: Uint8Array, keys: readonly PublicKey[]): PublicKey[] {
  const { alg, kid } = parseSign1(block);
  if (kid !== undefined) return keys.filter((key) => isEqualBytes(coseKeyThumbprint(key), kid));
  return keys.filter((key) => SIGNATURE_ALGORITHMS[key.algorithm].coseAlgAccepted.includes(alg));
}

function verifyBlock(block: Uint8Array, digest: Uint8Array, keys: readonly PublicKey[]): PublicKey | undefined {
  if (!isSign1(block)) return undefined;
  const signers = signersOf(block, keys);
  if (signers.length === 0) return undefined;
  try {
    return verifySign1(block, { keys: signers, payload: digest }).key;
  } catch (error) {
    if (!isCodedError(error)) throw error;
    throw new SuitError('SUIT_SIGNATURE_INVALID', { reason: error.code }, error);
  }
}

/**
 * Verifies the blocks over the encoded digest and returns the listed keys that signed.
 * @throws SuitError SUIT_POLICY_EMPTY, SUIT_AUTHENTICATION_MISSING, SUIT_KEY_UNKNOWN, SUIT_SIGNATURE_INVALID,
 * SUIT_ALGORITHM_MISSING, SUIT_ENVELOPE_MALFORMED
 */
export function verifyAuthentication(
  blocks: readonly Uint8Array[],
  digest: Uint8Array,
  policy: AuthenticationPolicy,
): PublicKey[] {
  if (policy.requiredAlgorithms.length === 0) throw new SuitError('SUIT_POLICY_EMPTY');
  if (blocks.length === 0) throw new SuitError('SUIT_AUTHENTICATION_MISSING');
  const signers = blocks.flatMap((block) => verifyBlock(block, digest, policy.keys) ?? []);
  if (signers.length === 0) throw new SuitError('SUIT_KEY_UNKNOWN', { blocks: blocks.length });
  const missing = policy.requiredAlgorithms.find((algorithm) => !signers.some((key) => key.algorithm === algorithm));
  if (missing !== undefined) throw new SuitError('SUIT_ALGORITHM_MISSING', { algorithm: missing });
  return signers;
}
