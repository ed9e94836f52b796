/** Who asks for something through the management API, and what that allows. */
import type { Permission } from '@pawl/contract/management';

export type Actor = {
  /** 0 for an open operation. */
  readonly tenantId: number;
  /** Stable name for records: `token/<id>` or `person/<id>`. */
  readonly id: string;
  /** For people to read; not unique. */
  readonly label: string;
  readonly permissions: ReadonlySet<Permission>;
};

export const NOBODY: Actor = { tenantId: 0, id: 'nobody', label: 'nobody', permissions: new Set() };
