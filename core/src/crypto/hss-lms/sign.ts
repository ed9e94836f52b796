/**
 * LMS signing with one tree (RFC 8554 §4.5, §5.3, appendix A; SP 800-208). STATEFUL: a leaf that signs two messages gives
 * the key away. Nothing here remembers which leaves are used; only a signer that writes the next index down, durably,
 * BEFORE it releases a signature may call `signAtIndex`.
 *
 * The randomizer is derived from the seed, so that signing one message twice with one leaf gives the same signature.
 */
import { randomBytes } from 'node:crypto';
import { concat } from '../../bytes/index.ts';
import { CryptoError } from '../errors.ts';
import { plainBytes } from '../plain-bytes.ts';
import { D_INTR, D_LEAF, D_MESG, D_PBLC, digitsOf, prefixOf, walkChain } from './chain.ts';
import { IDENTIFIER_SIZE_BYTES, lmsHash, type TreeParameters, treeParametersOf } from './parameters.ts';
import { HssPublicKey } from './verify.ts';

// RFC 8554 appendix A: 0xff stands where a chain step would.
const SEED_STEP = Uint8Array.of(0xff);
/** The chain number that the derived randomizer has; no chain has it. */
const RANDOMIZER_CHAIN = 0xfffd;

function u32Bytes(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

export type LmsSecret = {
  /** 5, 10 or 15: 32, 1,024 or 32,768 signatures; the time to make the key grows with it. */
  readonly height: 5 | 10 | 15;
  /** Bits a chain: 8 makes small signatures, 4 faster ones. */
  readonly width: 4 | 8;
  readonly identifier: Uint8Array;
  readonly seed: Uint8Array;
};

const LMS_TYPES = { 5: 5, 10: 6, 15: 7 } as const;
const OTS_TYPES = { 4: 3, 8: 4 } as const;
const HASH_SIZE_BYTES = 32;

/** A private key of one LMS tree, as an HSS key of one level, with SHA-256. The whole tree is in memory. */
export class LmsPrivateKey {
  readonly publicKey: HssPublicKey;
  readonly secret: LmsSecret;
  readonly #tree: TreeParameters;
  /** Node r at index r; 1 is the root, 2^height the first leaf. */
  readonly #nodes: readonly Uint8Array[];

  /**
   * Makes the key of a secret; it computes every leaf.
   * @throws CryptoError CRYPTO_PARAMETER_INVALID
   */
  constructor(secret: LmsSecret) {
    const tree = treeParametersOf(LMS_TYPES[secret.height], OTS_TYPES[secret.width]);
    const isSized = secret.identifier.length === IDENTIFIER_SIZE_BYTES && secret.seed.length === HASH_SIZE_BYTES;
    if (tree === undefined || !isSized) throw new CryptoError('CRYPTO_PARAMETER_INVALID', { what: 'LMS secret' });
    this.secret = secret;
    this.#tree = tree;
    this.#nodes = this.#buildNodes();
    const [, root = new Uint8Array(0)] = this.#nodes;
    const { lms, ots } = tree;
    const types = concat(u32Bytes(1), u32Bytes(lms.typeCode), u32Bytes(ots.typeCode));
    this.publicKey = new HssPublicKey(concat(types, secret.identifier, root));
  }

  static generate(options: Pick<LmsSecret, 'height' | 'width'>): LmsPrivateKey {
    const identifier = plainBytes(randomBytes(IDENTIFIER_SIZE_BYTES));
    return new LmsPrivateKey({ ...options, identifier, seed: plainBytes(randomBytes(HASH_SIZE_BYTES)) });
  }

  /** How many messages the key can sign, ever. */
  get signaturesMax(): number {
    return 2 ** this.secret.height;
  }

  #chainStart(q: number, index: number): Uint8Array {
    const { identifier, seed } = this.secret;
    return lmsHash(this.#tree.ots.hash, concat(prefixOf(identifier, q, index), SEED_STEP, seed));
  }

  #leafOf(q: number): Uint8Array {
    const { ots, lms } = this.#tree;
    const { identifier } = this.secret;
    const steps = { from: 0, to: (1 << ots.width) - 1 };
    const ends = Array.from({ length: ots.chains }, (_, index) =>
      walkChain(ots, { identifier, q, index }, this.#chainStart(q, index), steps),
    );
    const key = lmsHash(ots.hash, concat(prefixOf(identifier, q, D_PBLC), ...ends));
    return lmsHash(lms.hash, concat(prefixOf(identifier, 2 ** lms.height + q, D_LEAF), key));
  }

  #buildNodes(): Uint8Array[] {
    const { lms } = this.#tree;
    const leaves = this.signaturesMax;
    const nodes: Uint8Array[] = [];
    for (let q = 0; q < leaves; q += 1) nodes[leaves + q] = this.#leafOf(q);
    for (let node = leaves - 1; node >= 1; node -= 1) {
      const [left = new Uint8Array(0), right = new Uint8Array(0)] = [nodes[2 * node], nodes[2 * node + 1]];
      nodes[node] = lmsHash(lms.hash, concat(prefixOf(this.secret.identifier, node, D_INTR), left, right));
    }
    return nodes;
  }

  /**
   * The HSS signature of a message by one leaf. THE CALLER must have recorded durably that this leaf is used.
   * @throws CryptoError CRYPTO_PARAMETER_INVALID when the key has no such leaf
   */
  signAtIndex(q: number, message: Uint8Array): Uint8Array {
    if (!Number.isInteger(q) || q < 0 || q >= this.signaturesMax) {
      throw new CryptoError('CRYPTO_PARAMETER_INVALID', { what: 'LMS leaf', expected: this.signaturesMax, actual: q });
    }
    const { ots, lms } = this.#tree;
    const { identifier } = this.secret;
    const randomizer = this.#chainStart(q, RANDOMIZER_CHAIN);
    const digest = lmsHash(ots.hash, concat(prefixOf(identifier, q, D_MESG), randomizer, message));
    const chains = digitsOf(digest, ots).map((to, index) =>
      walkChain(ots, { identifier, q, index }, this.#chainStart(q, index), { from: 0, to }),
    );
    const path: Uint8Array[] = [];
    for (let node = 2 ** lms.height + q; node > 1; node = Math.floor(node / 2)) {
      path.push(this.#nodes[node % 2 === 1 ? node - 1 : node + 1] ?? new Uint8Array(0));
    }
    const oneTime = concat(u32Bytes(ots.typeCode), randomizer, ...chains);
    return concat(u32Bytes(0), u32Bytes(q), oneTime, u32Bytes(lms.typeCode), ...path);
  }
}
