/**
 * What is public about a key, whichever way it is kept: what it is for, where it lives, how long it counts, and which key
 * it took over from. The same members stand in a sealed key file and in a key reference; docs/formats/keys.md has both.
 */
import { keyIdOf } from '../cose/index.ts';
import { AgreementPublicKey, CryptoError, PublicKey, SIGNATURE_ALGORITHM_NAMES } from '../crypto/index.ts';
import { KeysError } from './errors.ts';
import { expectOneOf, expectText, expectTime, type Members, malformed } from './json-members.ts';
import { assertAlgorithmAllowed, isKeyRole, type KeyAlgorithm, type KeyRole } from './roles.ts';

const PURPOSE_CHARS_MAX = 256;
const PEM_CHARS_MAX = 8192;
const KEY_ID = /^[0-9a-f]{64}$/;

export type AnyPublicKey = PublicKey | AgreementPublicKey;

/** Who holds the private half: a sealed file, a file kept off every network, a token, or a service. */
export const CUSTODIES = ['file', 'offline', 'hsm', 'kms'] as const;
export type Custody = (typeof CUSTODIES)[number];

export type KeyFacts = {
  /** The key id: the thumbprint of the public key. */
  readonly id: string;
  readonly role: KeyRole;
  readonly algorithm: KeyAlgorithm;
  readonly purpose: string;
  readonly custody: Custody;
  /** RFC 3339, UTC. */
  readonly createdAt: string;
  /** After this moment the key signs nothing any more; null when it has no end. */
  readonly expiresAt: string | null;
  /** The id of the key that this one took over from. */
  readonly replaces: string | null;
  /** SPKI PEM. */
  readonly public: string;
};

/** What a person decides about a key; the rest follows from the key itself. */
export type KeyIntent = {
  readonly role: KeyRole;
  /** A sentence for those who find the file; at most 256 characters. */
  readonly purpose: string;
  readonly createdAt: Date;
  readonly custody?: Custody;
  readonly expiresAt?: Date | undefined;
  readonly replaces?: string | undefined;
};

export const FACT_MEMBERS = [
  'id',
  'role',
  'algorithm',
  'purpose',
  'custody',
  'createdAt',
  'expiresAt',
  'replaces',
  'public',
] as const;

/** The facts of a key, checked against each other. */
export function factsOf(key: AnyPublicKey, intent: KeyIntent & { readonly custody: Custody }): KeyFacts {
  assertAlgorithmAllowed(intent.role, key.algorithm);
  if (intent.purpose.length > PURPOSE_CHARS_MAX) throw malformed('purpose', `at most ${PURPOSE_CHARS_MAX} characters`);
  if (intent.expiresAt !== undefined && intent.expiresAt <= intent.createdAt) {
    throw malformed('expiresAt', 'a time after createdAt');
  }
  return {
    id: keyIdOf(key),
    role: intent.role,
    algorithm: key.algorithm,
    purpose: intent.purpose,
    custody: intent.custody,
    createdAt: intent.createdAt.toISOString(),
    expiresAt: intent.expiresAt?.toISOString() ?? null,
    replaces: intent.replaces ?? null,
    public: key.toSpkiPem(),
  };
}

function parsePublicKey(pem: string, role: KeyRole, algorithm: unknown): AnyPublicKey {
  try {
    if (role === 'line') return AgreementPublicKey.fromSpki(pem);
    // An RSA key does not say its digest; the file does.
    const named = SIGNATURE_ALGORITHM_NAMES.find((name) => name === algorithm);
    const key = PublicKey.fromSpki(pem);
    return named?.startsWith('PS') === true && key.algorithm.startsWith('PS') ? PublicKey.fromSpki(pem, named) : key;
  } catch (cause) {
    if (cause instanceof CryptoError) throw malformed('public', 'a public key of the role', cause);
    throw cause;
  }
}

function parseReplaces(members: Members): string | null {
  if (members['replaces'] === null) return null;
  const id = expectText(members, 'replaces', 64);
  if (!KEY_ID.test(id)) throw malformed('replaces', 'a key id');
  return id;
}

/** The members that every format has; what the file says about its key must be what the key itself says. */
export function parseIdentity(members: Members): Pick<KeyFacts, 'id' | 'role' | 'algorithm' | 'purpose' | 'public'> {
  const role = expectText(members, 'role', 64);
  if (!isKeyRole(role)) throw malformed('role', 'a role');
  const pem = expectText(members, 'public', PEM_CHARS_MAX);
  const publicKey = parsePublicKey(pem, role, members['algorithm']);
  const { algorithm } = publicKey;
  assertAlgorithmAllowed(role, algorithm);
  if (members['algorithm'] !== algorithm) throw malformed('algorithm', algorithm);
  const id = keyIdOf(publicKey);
  if (members['id'] !== id) throw malformed('id', id);
  return { id, role, algorithm, purpose: expectText(members, 'purpose', PURPOSE_CHARS_MAX), public: pem };
}

/** @throws KeysError KEYS_FILE_MALFORMED, KEYS_ALGORITHM_NOT_ALLOWED */
export function parseFacts(members: Members): KeyFacts {
  return {
    ...parseIdentity(members),
    custody: expectOneOf(members, 'custody', CUSTODIES),
    createdAt: expectTime(members, 'createdAt'),
    expiresAt: members['expiresAt'] === null ? null : expectTime(members, 'expiresAt'),
    replaces: parseReplaces(members),
  };
}

/**
 * The public key that the facts speak of.
 * @throws KeysError KEYS_NOT_A_SIGNING_KEY
 */
export function signingKeyOf(facts: KeyFacts): PublicKey {
  const key = parsePublicKey(facts.public, facts.role, facts.algorithm);
  if (key instanceof AgreementPublicKey) throw new KeysError('KEYS_NOT_A_SIGNING_KEY', { id: facts.id });
  return key;
}

/**
 * Refuses a key whose time is over.
 * @throws KeysError KEYS_EXPIRED
 */
export function assertNotExpired({ id, expiresAt }: KeyFacts, now: Date): void {
  if (expiresAt !== null && now >= new Date(expiresAt)) throw new KeysError('KEYS_EXPIRED', { id, expiresAt });
}
