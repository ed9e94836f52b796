/** TUF metadata handed in, and what the server holds. */
import { z } from 'zod';
import { base64, lineName, numericId } from './names.ts';

/** TUF files as base64 of the very bytes that were signed; all are checked and taken together, or none is. */
export const newTrust = z.strictObject({
  roots: z.array(base64).max(64).optional(),
  targets: base64.optional(),
  lines: z.record(lineName, base64).optional(),
  /** `keys/<line>.cbor` targets. */
  lineKeys: z.record(lineName, base64).optional(),
});
export type NewTrust = z.infer<typeof newTrust>;

export const trustStatus = z.strictObject({
  root: numericId.nullable(),
  targets: numericId.nullable(),
  snapshot: numericId.nullable(),
  timestamp: numericId.nullable(),
  lines: z.record(lineName, numericId),
  /** The public keys of the online roles, for the root that names them. SPKI PEM. */
  onlineKeys: z.strictObject({ snapshot: z.string(), timestamp: z.string() }),
});
export type TrustStatus = z.infer<typeof trustStatus>;
