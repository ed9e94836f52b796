/** What each key is for (DESIGN, Trust). A key has one role for life; no role can do the work of another. */
import type { AgreementCurve, SignatureAlgorithm } from '../crypto/index.ts';
import { KeysError } from './errors.ts';

export type KeyRole = 'root' | 'release' | 'image' | 'snapshot' | 'timestamp' | 'ledger' | 'device' | 'line';
export type KeyAlgorithm = SignatureAlgorithm | AgreementCurve;

export type KeyRoleRow = {
  /** What the role may do, as a phrase. */
  readonly may: string;
  readonly livesOn: 'operator' | 'server' | 'device';
  /** The algorithms it may use, the default first. */
  readonly algorithms: readonly KeyAlgorithm[];
};

/** All but HSS-LMS, whose keys wear out: only a signer that remembers its leaves may hold one. */
const SIGNATURES: readonly KeyAlgorithm[] = [
  'ESP256',
  'Ed25519',
  'ESP384',
  'ESP512',
  'PS256',
  'PS384',
  'PS512',
  'ML-DSA-44',
  'ML-DSA-65',
  'ML-DSA-87',
];

export const KEY_ROLE_TABLE: Readonly<Record<KeyRole, KeyRoleRow>> = {
  root: { may: 'say which keys hold the other roles', livesOn: 'operator', algorithms: SIGNATURES },
  release: { may: 'list releases and their digests', livesOn: 'operator', algorithms: SIGNATURES },
  image: {
    may: 'sign SUIT envelopes and release statements',
    livesOn: 'operator',
    // Boot ROMs want LMS; no other role signs so seldom that its leaves would last.
    algorithms: [...SIGNATURES, 'HSS-LMS'],
  },
  snapshot: { may: 'sign which metadata versions belong together', livesOn: 'server', algorithms: SIGNATURES },
  timestamp: { may: 'sign which snapshot is the newest', livesOn: 'server', algorithms: SIGNATURES },
  // Signed notes verify with Ed25519 (C2SP signed-note); witnesses know no other.
  ledger: { may: 'sign ledger checkpoints and entries', livesOn: 'server', algorithms: ['Ed25519'] },
  device: { may: 'sign the reports of one device', livesOn: 'device', algorithms: SIGNATURES },
  line: { may: 'open the content keys of one product line', livesOn: 'device', algorithms: ['ECDH-P256'] },
};

/** Every role, in the order of the table. */
export const KEY_ROLES: readonly KeyRole[] = Object.keys(KEY_ROLE_TABLE).filter(isKeyRole);

export function isKeyRole(text: string): text is KeyRole {
  return Object.hasOwn(KEY_ROLE_TABLE, text);
}

export function assertAlgorithmAllowed(role: KeyRole, algorithm: KeyAlgorithm): void {
  const { algorithms } = KEY_ROLE_TABLE[role];
  if (algorithms.includes(algorithm)) return;
  throw new KeysError('KEYS_ALGORITHM_NOT_ALLOWED', { role, expected: algorithms.join(', '), actual: algorithm });
}
