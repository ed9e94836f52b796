/**
 * Who may sign the entries of a ledger: the ledger key, and the keys that earlier entries of the ledger key introduced
 * (`predicates.ts`). Entries are taken in their order, so a key counts only from the entry after its introduction.
 */
import { isCodedError } from '../bytes/index.ts';
import { keyIdOf } from '../cose/index.ts';
import { PublicKey } from '../crypto/index.ts';
import { type VerifiedStatement, verifyStatement } from './dsse.ts';
import { EvidenceError } from './errors.ts';
import { predicateRow, type SignerKind } from './predicates.ts';

/** The signer of an entry: the thumbprint of its key, and in which role it spoke. */
export type EntrySigner = { readonly keyId: string; readonly kind: SignerKind };

export class EntrySigners {
  readonly #keys = new Map<string, PublicKey>();
  readonly #kinds = new Map<string, Set<SignerKind>>();

  constructor(ledgerKey: PublicKey) {
    this.#add(ledgerKey, 'ledger');
  }

  #add(key: PublicKey, kind: SignerKind): void {
    const keyId = keyIdOf(key);
    this.#keys.set(keyId, key);
    this.#kinds.set(keyId, (this.#kinds.get(keyId) ?? new Set()).add(kind));
  }

  /** Verifies the next entry, and takes in the key that it introduces. */
  verifyNext(index: number, envelope: Uint8Array): { verified: VerifiedStatement; signer: EntrySigner } {
    const verified = this.#verify(index, envelope);
    const { predicateType, predicate } = verified.statement;
    const { signedBy, introduces } = predicateRow(predicateType);
    const kind = signedBy.find((each) => this.#kinds.get(verified.signerKeyId)?.has(each));
    if (kind === undefined) {
      throw new EvidenceError('BUNDLE_SIGNER_UNFIT', { index, predicateType, keyId: verified.signerKeyId });
    }
    if (introduces !== undefined) this.#introduce(index, predicate['publicKey'], introduces);
    return { verified, signer: { keyId: verified.signerKeyId, kind } };
  }

  #verify(index: number, envelope: Uint8Array): VerifiedStatement {
    try {
      return verifyStatement(envelope, this.#keys);
    } catch (cause) {
      if (!isCodedError(cause)) throw cause;
      const code = cause.code === 'STATEMENT_SIGNER_UNKNOWN' ? 'BUNDLE_SIGNER_UNKNOWN' : 'BUNDLE_ENTRY_INVALID';
      throw new EvidenceError(code, { index, reason: cause.code }, cause);
    }
  }

  #introduce(index: number, publicKey: unknown, kind: SignerKind): void {
    try {
      if (typeof publicKey !== 'string') {
        throw new EvidenceError('STATEMENT_MALFORMED', { expected: 'an SPKI PEM', at: 'predicate.publicKey' });
      }
      this.#add(PublicKey.fromSpki(publicKey), kind);
    } catch (cause) {
      if (!isCodedError(cause)) throw cause;
      throw new EvidenceError('BUNDLE_ENTRY_INVALID', { index, reason: cause.code }, cause);
    }
  }
}
