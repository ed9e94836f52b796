/**
 * Signatures and verifications per second of every algorithm: through a COSE_Sign1 of 64 bytes, as core makes and verifies
 * it, beside OpenSSL's own speed test on this machine in the same run. Where Debian's OpenSSL does not know the algorithm
 * (ML-DSA), the bare call of Node's crypto stands in its place; HSS-LMS has nothing to stand beside it here.
 */
import { generateKeyPairSync, type KeyObject, randomBytes, sign, verify } from 'node:crypto';
import { signSign1, verifySign1 } from '@pawl/core/cose';
import { LmsPrivateKey, PrivateKey, PublicKey, type SignatureAlgorithm, type Signer } from '@pawl/core/crypto';
import { opensslSignatureSpeed, type SignatureSpeed } from './openssl-speed.ts';

const DURATION_MS = 1000;
const PAYLOAD = new Uint8Array(randomBytes(64));

type Reference = { readonly name: string; readonly speed: () => Promise<SignatureSpeed> };
type Row = { readonly algorithm: SignatureAlgorithm; readonly reference?: Reference };

async function perSecond(act: () => unknown): Promise<number> {
  // A warm-up first: the figure is of a process that has run for a while.
  for (let turn = 0; turn < 3; turn += 1) await act();
  const startedAt = performance.now();
  let count = 0;
  while (performance.now() - startedAt < DURATION_MS) {
    await act();
    count += 1;
  }
  return (count * 1000) / (performance.now() - startedAt);
}

async function bareNode(keys: {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}): Promise<SignatureSpeed> {
  const signature = sign(null, PAYLOAD, keys.privateKey);
  return {
    signsPerSecond: await perSecond(() => sign(null, PAYLOAD, keys.privateKey)),
    verifiesPerSecond: await perSecond(() => verify(null, PAYLOAD, keys.publicKey, signature)),
  };
}

const openssl = (name: string): Reference => ({ name: `openssl ${name}`, speed: () => opensslSignatureSpeed(name) });

const ROWS: readonly Row[] = [
  { algorithm: 'ESP256', reference: openssl('ecdsap256') },
  { algorithm: 'ESP384', reference: openssl('ecdsap384') },
  { algorithm: 'ESP512', reference: openssl('ecdsap521') },
  { algorithm: 'Ed25519', reference: openssl('ed25519') },
  { algorithm: 'PS256', reference: openssl('rsa3072') },
  {
    algorithm: 'ML-DSA-44',
    reference: { name: 'bare node:crypto', speed: () => bareNode(generateKeyPairSync('ml-dsa-44')) },
  },
  {
    algorithm: 'ML-DSA-65',
    reference: { name: 'bare node:crypto', speed: () => bareNode(generateKeyPairSync('ml-dsa-65')) },
  },
  {
    algorithm: 'ML-DSA-87',
    reference: { name: 'bare node:crypto', speed: () => bareNode(generateKeyPairSync('ml-dsa-87')) },
  },
  { algorithm: 'HSS-LMS' },
];

/** The leaves are used over and over here: this key signs nothing but the benchmark. */
function lmsSigner(): Signer {
  const key = LmsPrivateKey.generate({ height: 5, width: 8 });
  let leaf = 0;
  return {
    publicKey: PublicKey.fromRaw('HSS-LMS', key.publicKey.raw),
    sign: (message) => Promise.resolve(key.signAtIndex(leaf++ % key.signaturesMax, message)),
  };
}

function ratio(own: number, other: number | undefined): string {
  return other === undefined ? '-' : (own / other).toFixed(2);
}

export async function benchCrypto(): Promise<void> {
  console.log('crypto: COSE_Sign1 over 64 bytes, operations per second, and the ratio to the reference');
  console.log('algorithm        sign/s  ratio   verify/s  ratio   reference');
  for (const { algorithm, reference } of ROWS) {
    const signer = algorithm === 'HSS-LMS' ? lmsSigner() : PrivateKey.generate(algorithm);
    const message = await signSign1({ payload: PAYLOAD }, signer);
    const keys = [signer.publicKey];
    const signs = await perSecond(() => signSign1({ payload: PAYLOAD }, signer));
    const verifies = await perSecond(() => verifySign1(message, { keys }));
    const other = await reference?.speed();
    const columns = [
      algorithm.padEnd(12),
      signs.toFixed(0).padStart(10),
      ratio(signs, other?.signsPerSecond).padStart(6),
      verifies.toFixed(0).padStart(10),
      ratio(verifies, other?.verifiesPerSecond).padStart(6),
    ];
    console.log(`${columns.join(' ')}   ${reference?.name ?? 'none at hand'}`);
  }
}
