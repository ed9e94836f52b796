/**
 * `auth_requests`: the client shows its identity and its public key, and signs the body with that key (X-MEN-Signature over
 * exactly the bytes sent: RSA PKCS #1 v1.5 or ECDSA with SHA-256, Ed25519 over the body itself). Whatever does not hold is
 * 401 with the same words: the client asks again at its next interval.
 */
import { verify } from 'node:crypto';
import { fromBase64, isCodedError } from '@pawl/core/bytes';
import { importSpki } from '@pawl/core/crypto';
import { z } from 'zod';
import { authenticateMender } from '../../acts/mender-admission.ts';
import { identityText, type MenderPublicKey, menderPublicKey } from '../../acts/mender-identity.ts';
import { parseStrictJson } from '../strict-json.ts';
import { MenderApiError } from './errors.ts';
import type { MenderHandler } from './request.ts';

const SIGNATURE_CHARS_MAX = 2048;
const MEMBERS_MAX = 32;

const identity = z
  .record(z.string().min(1).max(128), z.union([z.string(), z.array(z.string())]))
  .refine((record) => Object.keys(record).length > 0 && Object.keys(record).length <= MEMBERS_MAX);

/** @throws MenderApiError MENDER_REQUEST_MALFORMED */
function parseIdentity(text: string): string {
  try {
    return identityText(identity.parse(parseStrictJson(text)));
  } catch (cause) {
    throw new MenderApiError('MENDER_REQUEST_MALFORMED', { at: 'id_data', expected: 'a JSON object of text' }, cause);
  }
}

/** @throws MenderApiError MENDER_UNAUTHORIZED */
function parseKey(pem: string): MenderPublicKey {
  try {
    return menderPublicKey(pem);
  } catch (cause) {
    if (!isCodedError(cause)) throw cause;
    throw new MenderApiError('MENDER_UNAUTHORIZED', { at: 'pubkey', reason: cause.code }, cause);
  }
}

function isSignedBy(body: Uint8Array, header: unknown, pem: string): boolean {
  if (typeof header !== 'string' || header.length > SIGNATURE_CHARS_MAX) return false;
  try {
    const key = importSpki(pem);
    const digest = key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
    return verify(digest, body, key, fromBase64(header));
  } catch {
    // No base64, or a key that cannot sign: either way nobody proved anything.
    return false;
  }
}

export const authenticate: MenderHandler<'authenticate'> = async ({ headers, body, bodyBytes }, ports) => {
  const key = parseKey(body.pubkey);
  if (!isSignedBy(bodyBytes, headers['x-men-signature'], key.pem)) throw new MenderApiError('MENDER_UNAUTHORIZED');
  const proof = { identity: parseIdentity(body.id_data), key, tenantToken: body.tenant_token ?? undefined };
  const token = await authenticateMender(ports, ports.defaultTenant, proof);
  if (token === undefined) throw new MenderApiError('MENDER_UNAUTHORIZED');
  return { kind: 'text', contentType: 'application/jwt', text: token };
};
