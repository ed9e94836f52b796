/** What whoever verifies an image trusts, as it stands in files. */
export type ImageTrust = {
  /** PEM texts, each a public key or an X.509 certificate, as the format wants it. */
  readonly keysPem: readonly string[];
};
