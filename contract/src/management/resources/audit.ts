/** What was done through the management API. */
import { z } from 'zod';
import { numericId, time } from './names.ts';

export const auditEntry = z.strictObject({
  id: numericId,
  at: time,
  /** Who: `person/<id>` or `token/<id>`. */
  actor: z.string(),
  /** With what: `session/<id>` or `token/<id>`. */
  credential: z.string(),
  operation: z.string(),
  /** The path of the request. */
  target: z.string(),
  /** `ok`, or the code of the refusal. */
  result: z.string(),
  source: z.string(),
  requestId: z.string(),
});
export type AuditEntry = z.infer<typeof auditEntry>;
