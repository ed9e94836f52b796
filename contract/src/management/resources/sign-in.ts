/** How people sign in: passkeys (WebAuthn Level 3, in the JSON forms of its §5.1), sessions, keys that sign approvals. */
import { z } from 'zod';
import { sha256Hex, time } from './names.ts';
import { person } from './person.ts';

const base64Url = z
  .string()
  .max(16_384)
  .regex(/^[A-Za-z0-9_-]+$/);
export const label = z.string().min(1).max(64);

const transports = z.array(z.string().max(32)).max(8);
const common = {
  id: base64Url,
  rawId: base64Url,
  type: z.literal('public-key'),
  authenticatorAttachment: z.enum(['platform', 'cross-platform']).nullish(),
  clientExtensionResults: z.record(z.string().max(64), z.unknown()),
};

/** RegistrationResponseJSON. Members that say again what stands in the attestation object are taken and not read. */
export const newCredential = z.strictObject({
  ...common,
  response: z.strictObject({
    clientDataJSON: base64Url,
    attestationObject: base64Url,
    transports: transports.optional(),
    authenticatorData: base64Url.optional(),
    publicKey: base64Url.optional(),
    publicKeyAlgorithm: z.number().int().optional(),
  }),
});
export type NewCredential = z.infer<typeof newCredential>;

/** AuthenticationResponseJSON. */
export const assertion = z.strictObject({
  ...common,
  response: z.strictObject({
    clientDataJSON: base64Url,
    authenticatorData: base64Url,
    signature: base64Url,
    userHandle: base64Url.nullish(),
  }),
});
export type Assertion = z.infer<typeof assertion>;

const credentialId = z.strictObject({
  type: z.literal('public-key'),
  id: base64Url,
  transports: transports.optional(),
});

/** PublicKeyCredentialCreationOptionsJSON, as far as it is used. */
export const creationOptions = z.strictObject({
  challenge: base64Url,
  rp: z.strictObject({ id: z.string(), name: z.string() }),
  user: z.strictObject({ id: base64Url, name: z.string(), displayName: z.string() }),
  pubKeyCredParams: z.array(z.strictObject({ type: z.literal('public-key'), alg: z.number().int() })),
  timeout: z.number().int(),
  attestation: z.literal('none'),
  authenticatorSelection: z.strictObject({
    residentKey: z.literal('required'),
    requireResidentKey: z.literal(true),
    userVerification: z.literal('required'),
  }),
  excludeCredentials: z.array(credentialId),
});
export type CreationOptions = z.infer<typeof creationOptions>;

/** PublicKeyCredentialRequestOptionsJSON, as far as it is used. No list of credentials: nobody says who he is beforehand. */
export const requestOptions = z.strictObject({
  challenge: base64Url,
  rpId: z.string(),
  timeout: z.number().int(),
  userVerification: z.literal('required'),
});
export type RequestOptions = z.infer<typeof requestOptions>;

/** The id of a passkey as it stands in a path: the digest of the credential id, which may be of any length. */
export const passkeyId = sha256Hex;
export const passkey = z.strictObject({
  id: passkeyId,
  label: z.string(),
  /** Synchronised between devices by whoever made the authenticator. */
  isBackedUp: z.boolean(),
  createdAt: time,
  lastUsedAt: time.nullable(),
});
export type Passkey = z.infer<typeof passkey>;

export const sessionId = z.string().regex(/^[0-9a-f]{16}$/);
export const session = z.strictObject({
  id: sessionId,
  /** Whether this very request came with it. */
  isCurrent: z.boolean(),
  source: z.string(),
  userAgent: z.string(),
  createdAt: time,
  lastUsedAt: time,
  expiresAt: time,
});
export type Session = z.infer<typeof session>;

/** Who came in, and until when at most. */
export const signedIn = z.strictObject({ person, expiresAt: time });

export const newApprovalKey = z.strictObject({ label, publicKeyPem: z.string().min(1).max(8192) });
export const approvalKey = z.strictObject({
  keyId: sha256Hex,
  label: z.string(),
  algorithm: z.string(),
  createdAt: time,
  revokedAt: time.nullable(),
});
export type ApprovalKey = z.infer<typeof approvalKey>;

/**
 * A person's signature over the exact digest of what is approved: by a passkey, or by a key that is registered.
 * @public what is approved takes it in
 */
export const approvalSignature = z.discriminatedUnion('kind', [
  /** The challenge of the assertion is the digest itself. */
  z.strictObject({ kind: z.literal('passkey'), assertion }),
  /** A DSSE envelope around a statement `urn:pawl:approval:1` whose only subject has the digest; base64 of its bytes. */
  z.strictObject({ kind: z.literal('statement'), envelope: z.base64().max(65_536) }),
]);
export type ApprovalSignature = z.infer<typeof approvalSignature>;
