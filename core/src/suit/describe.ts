import type { VerifiedManifest } from './verified-manifest.ts';

export type PayloadDescription = { readonly uri: string; readonly encryptionInfo?: Uint8Array };

/** What a manifest installs, as plain data. */
export type ManifestDescription = {
  readonly vendorId: Uint8Array;
  readonly classId: Uint8Array;
  readonly sequenceNumber: bigint;
  readonly securityCounter: bigint;
  readonly version: string;
  /** SHA-256 of the plaintext image. */
  readonly imageDigest: Uint8Array;
  readonly imageSizeBytes: number;
  readonly payloads: readonly PayloadDescription[];
};

export function describeManifest(_verified: VerifiedManifest): ManifestDescription {
  throw new Error('not yet');
}
