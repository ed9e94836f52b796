/** What whoever verifies an image trusts, as it stands in files. */
export type ImageTrust = {
  /** PEM texts, each a public key or an X.509 certificate, as the format wants it. */
  readonly keysPem: readonly string[];
  /** Private keys (PKCS#8 PEM) that open encrypted images. */
  readonly decryptionKeysPem?: readonly string[];
  /** Symmetric keys of 16 or 32 bytes that open encrypted images. */
  readonly decryptionKeks?: readonly Uint8Array[];
};
