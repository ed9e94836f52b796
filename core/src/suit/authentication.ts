/**
 * Authentication blocks of an envelope against the policy of a product line (draft-ietf-suit-manifest-37 §6.2, §8.3):
 * COSE_Sign1, COSE_Sign, COSE_Mac0 and COSE_Mac over the same digest, any number side by side.
 *
 * The policy belongs to the receiver, never to the sender: for every required algorithm at least one block by a listed key
 * of that algorithm must verify. A block of a listed key that fails refuses the envelope, whatever else verifies. Blocks by
 * other keys do not count. A block that names no key is held to be by the listed keys of its algorithm.
 */
import { isCodedError, isEqualBytes } from '../bytes/index.ts';
import { CborTag, decodeCbor, expectArray, expectMap } from '../cbor/index.ts';
import {
  coseKeyThumbprint,
  parseSign,
  parseSign1,
  type RecipientKeys,
  type VerifiedMac,
  verifyMac,
  verifyMac0,
  verifySign,
  verifySign1,
} from '../cose/index.ts';
import { type PublicKey, SIGNATURE_ALGORITHMS, type SignatureAlgorithm } from '../crypto/index.ts';
import { SuitError } from './errors.ts';

/** What may be required: a signature algorithm, or a MAC with a key shared beforehand. */
export type AuthenticationAlgorithm = SignatureAlgorithm | 'HMAC';

/** Who may sign, and which algorithms must all have signed. */
export type AuthenticationPolicy = {
  readonly keys: readonly PublicKey[];
  readonly requiredAlgorithms: readonly AuthenticationAlgorithm[];
  /**
   * Keys of MACs, for devices that share one with their author: whoever holds such a key can make what it verifies. Left
   * out: MACs count for nothing.
   */
  readonly macKeys?: readonly Uint8Array[];
};

/** What verified: the listed keys that signed, and whether a MAC fitted. */
export type Authentication = { readonly signers: readonly PublicKey[]; readonly isMacVerified: boolean };

const TAG_MAC0 = 17;
const TAG_SIGN1 = 18;
const TAG_MAC = 97;
const TAG_SIGN = 98;
const BLOCK_LENGTHS: ReadonlyMap<number, number> = new Map([
  [TAG_MAC0, 4],
  [TAG_SIGN1, 4],
  [TAG_MAC, 5],
  [TAG_SIGN, 4],
]);
const HEADER_KID = 4;
const NONE: Authentication = { signers: [], isMacVerified: false };

type BlockVerifier = (block: Uint8Array, digest: Uint8Array, policy: AuthenticationPolicy) => Authentication;

/** The tag of a block that has the shape SUIT asks for. */
function tagOf(block: Uint8Array): number {
  const tagged = decodeCbor(block, { order: 'any' });
  const at = 'authentication block';
  const length = tagged instanceof CborTag ? BLOCK_LENGTHS.get(tagged.tag) : undefined;
  if (!(tagged instanceof CborTag) || length === undefined) {
    throw new SuitError('SUIT_ENVELOPE_MALFORMED', { at, expected: 'COSE_Sign1, COSE_Sign, COSE_Mac0 or COSE_Mac' });
  }
  const [, unprotected, payload] = expectArray(tagged.value, at, length);
  // §8.3: detached payload. Unsigned headers carry nothing but the key's name.
  const isNameOnly = [...expectMap(unprotected, at).keys()].every((key) => key === HEADER_KID);
  if (payload !== null || !isNameOnly) {
    throw new SuitError('SUIT_ENVELOPE_MALFORMED', { at, expected: 'detached, kid only' });
  }
  return tagged.tag;
}

/** COSE algorithm HMAC 256/64 (RFC 9053, table 3). */
const HMAC_256_64 = 4;

type Named = { readonly alg: number; readonly kid: Uint8Array | undefined };

/** The listed keys that a signature claims to be by. */
function claimedKeys({ alg, kid }: Named, keys: readonly PublicKey[]): PublicKey[] {
  if (kid !== undefined) return keys.filter((key) => isEqualBytes(coseKeyThumbprint(key), kid));
  return keys.filter((key) => SIGNATURE_ALGORITHMS[key.algorithm].coseAlgAccepted.includes(alg));
}

const verifySign1Block: BlockVerifier = (block, payload, policy) => {
  const keys = claimedKeys(parseSign1(block), policy.keys);
  if (keys.length === 0) return NONE;
  return { signers: [verifySign1(block, { keys, payload }).key], isMacVerified: false };
};

const verifySignBlock: BlockVerifier = (block, payload, { keys }) => {
  const claimed = parseSign(block).signatures.map((signature) => claimedKeys(signature, keys));
  if (claimed.every((each) => each.length === 0)) return NONE;
  const { signers } = verifySign(block, { keys, payload });
  // A signature that claims a listed key without naming it, and fits none of them, condemns the block all the same.
  const isMissing = claimed.some(
    (each) => each.length > 0 && !each.some((key) => signers.some((by) => by.key.isEqual(key))),
  );
  if (isMissing) throw new SuitError('SUIT_SIGNATURE_INVALID', { reason: 'a signature of COSE_Sign does not fit' });
  return { signers: signers.map(({ key }) => key), isMacVerified: false };
};

/** A tag of 64 bits may be guessed by who can ask a device often; the profiles know HMAC 256/256 (RFC 9053 §3.1). */
function refuseShort({ algorithm }: VerifiedMac): void {
  if (algorithm === HMAC_256_64) {
    throw new SuitError('SUIT_SIGNATURE_INVALID', { reason: 'a shortened tag', expected: 'HMAC 256/256' });
  }
}

const verifyMac0Block: BlockVerifier = (block, payload, { macKeys = [] }) => {
  if (macKeys.length === 0) return NONE;
  const failures = macKeys.map((key) => failureOf(() => refuseShort(verifyMac0(block, { key, payload }))));
  const [first] = failures;
  if (failures.every((failure) => failure !== undefined)) throw first;
  return { signers: [], isMacVerified: true };
};

const verifyMacBlock: BlockVerifier = (block, payload, { macKeys = [] }) => {
  if (macKeys.length === 0) return NONE;
  const keys: RecipientKeys = { agreementKeys: [], keks: macKeys };
  refuseShort(verifyMac(block, { ...keys, payload }));
  return { signers: [], isMacVerified: true };
};

function failureOf(run: () => unknown): unknown {
  try {
    run();
    return undefined;
  } catch (error) {
    return error;
  }
}

const NOT_AUTHENTIC: ReadonlySet<string> = new Set([
  'COSE_SIGNATURE_INVALID',
  'COSE_KEY_UNKNOWN',
  'COSE_RECIPIENT_UNKNOWN',
  'CRYPTO_AUTHENTICATION_FAILED',
]);

const VERIFIERS: ReadonlyMap<number, BlockVerifier> = new Map([
  [TAG_SIGN1, verifySign1Block],
  [TAG_SIGN, verifySignBlock],
  [TAG_MAC0, verifyMac0Block],
  [TAG_MAC, verifyMacBlock],
]);

function verifyBlock(block: Uint8Array, digest: Uint8Array, policy: AuthenticationPolicy): Authentication {
  const verifier = VERIFIERS.get(tagOf(block));
  try {
    return verifier?.(block, digest, policy) ?? NONE;
  } catch (error) {
    // Anything else is a block that is no proper COSE message, which the caller's caller names.
    if (!isCodedError(error) || !NOT_AUTHENTIC.has(error.code)) throw error;
    throw new SuitError('SUIT_SIGNATURE_INVALID', { reason: error.code }, error);
  }
}

function isSatisfied(algorithm: AuthenticationAlgorithm, { signers, isMacVerified }: Authentication): boolean {
  return algorithm === 'HMAC' ? isMacVerified : signers.some((key) => key.algorithm === algorithm);
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
): Authentication {
  if (policy.requiredAlgorithms.length === 0) throw new SuitError('SUIT_POLICY_EMPTY');
  if (blocks.length === 0) throw new SuitError('SUIT_AUTHENTICATION_MISSING');
  const verified = blocks.map((block) => verifyBlock(block, digest, policy));
  const all: Authentication = {
    signers: verified.flatMap(({ signers }) => signers),
    isMacVerified: verified.some(({ isMacVerified }) => isMacVerified),
  };
  if (all.signers.length === 0 && !all.isMacVerified)
    throw new SuitError('SUIT_KEY_UNKNOWN', { blocks: blocks.length });
  const missing = policy.requiredAlgorithms.find((algorithm) => !isSatisfied(algorithm, all));
  if (missing !== undefined) throw new SuitError('SUIT_ALGORITHM_MISSING', { algorithm: missing });
  return all;
}
