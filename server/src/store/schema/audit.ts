/** The table of the audit. */
import type { Generated } from 'kysely';

export type AuditSchema = {
  audit: {
    id: Generated<number>;
    tenant_id: number;
    at_ms: number;
    /** `person/<id>` or `token/<id>`. */
    actor: string;
    credential: string;
    operation: string;
    /** The path of the request. */
    target: string;
    /** `ok`, or the code of the refusal. */
    result: string;
    source: string;
    request_id: string;
  };
};
