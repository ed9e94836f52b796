/**
 * Adds signatures to metadata (TUF 1.0.34 §4.2): over the canonical form of `signed`, one a key id. Holders of an m-of-n
 * role sign one after the other, each the bytes that the one before gave; what was signed stays byte for byte as it was
 * parsed. Keys stay behind the `Signer` port.
 */
import { utf8 } from '../bytes/index.ts';
import type { Signer } from '../crypto/index.ts';
import { encodeCanonicalJson } from './canonical-json.ts';
import type { JsonObject } from './json.ts';
import { TRUST_LIMITS } from './limits.ts';
import { type MetadataSignature, parseSignedJson, signedJsonForm } from './signed-json.ts';
import { encodeTufSignature, tufKeyOf } from './tuf-key.ts';

/** What can be signed: metadata as made by the producer functions. */
export type Signable = { readonly json: JsonObject; readonly signatures: readonly MetadataSignature[] };

function signableOf(input: Signable | Uint8Array): Signable {
  if (!(input instanceof Uint8Array)) return input;
  const { signed, signatures } = parseSignedJson(input, TRUST_LIMITS.targetsSizeBytesMax);
  return { json: signed, signatures };
}

/**
 * The metadata file with a signature of each signer added; an older signature of the same key is replaced.
 * @throws TrustError TRUST_METADATA_MALFORMED, TRUST_LENGTH_EXCEEDED, TRUST_KEY_UNSUPPORTED
 */
export async function signMetadata(input: Signable | Uint8Array, signers: readonly Signer[]): Promise<Uint8Array> {
  const { json, signatures } = signableOf(input);
  const message = encodeCanonicalJson(json);
  const byKeyId = new Map(signatures.map(({ keyId, sig }) => [keyId, sig]));
  for (const signer of signers) {
    const signature = await signer.sign(message);
    byKeyId.set(tufKeyOf(signer.publicKey).keyId, encodeTufSignature(signer.publicKey, signature));
  }
  const list = [...byKeyId].map(([keyId, sig]) => ({ keyId, sig }));
  return utf8(JSON.stringify(signedJsonForm({ signatures: list, signed: json })));
}
