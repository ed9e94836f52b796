/**
 * Upper bounds on what a repository may make a client do. The sizes hold before anything is parsed; a listed length may
 * only lower them. They are those of the TUF reference clients, with room for ML-DSA signatures in the timestamp.
 */
export const TRUST_LIMITS = {
  rootSizeBytesMax: 512_000,
  timestampSizeBytesMax: 65_536,
  snapshotSizeBytesMax: 2_000_000,
  targetsSizeBytesMax: 5_000_000,
  /** TUF 1.0.34 §5.3.3, the number Y of root files that one refresh may download. */
  rootRoundsMax: 256,
  /** TUF 1.0.34 §5.6.7.1, roles that one search for a target may visit. */
  delegationsVisitedMax: 32,
  signaturesMax: 64,
  jsonDepthMax: 32,
  targetPathCharsMax: 512,
  lineKeysSizeBytesMax: 65_536,
  ceremonySizeBytesMax: 16_000_000,
  ceremonyEntriesMax: 1024,
  ceremonyTextCharsMax: 200,
} as const;
