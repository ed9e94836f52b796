/** Tables of passkeys, sessions, spent challenges and keys that sign approvals. */
export type SignInSchema = {
  passkey: {
    /** base64url, as WebAuthn writes it in JSON. */
    credential_id: string;
    person_id: number;
    user_handle: string;
    /** A COSE_Key. */
    public_key: Uint8Array;
    counter: number;
    is_backed_up: number;
    transports: string;
    label: string;
    created_ms: number;
    last_used_ms: number | null;
  };
  session: {
    sha256: Uint8Array;
    tenant_id: number;
    person_id: number;
    source: string;
    user_agent: string;
    created_ms: number;
    last_used_ms: number;
    /** At the latest; a session that is not used ends earlier. */
    expires_ms: number;
  };
  spent_challenge: { sha256: Uint8Array; expires_ms: number };
  /** What a server makes up for itself once. None of it opens anything. */
  server_secret: { name: string; value: string };
  oidc_identity: { tenant_id: number; issuer: string; subject: string; person_id: number; created_ms: number };
  approval_key: {
    tenant_id: number;
    key_id: string;
    person_id: number;
    label: string;
    public_key_pem: string;
    algorithm: string;
    created_ms: number;
    revoked_ms: number | null;
  };
};
