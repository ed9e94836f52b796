/** Tables of products and of what does not apply to them. */
import type { WaiverRecord } from '@pawl/contract/management';
import type { Generated, Selectable } from 'kysely';

type ProductColumns = {
  id: Generated<number>;
  tenant_id: number;
  product: string;
  line: string;
  version: number;
  sha256: string;
  /** Canonical JSON. */
  record: string;
  /** The end of the last day on which it is sold or supported; null: it has no end. */
  last_day_ms: number | null;
  recorded_by: string;
  recorded_ms: number;
};

type WaiverColumns = {
  id: Generated<number>;
  tenant_id: number;
  product: string;
  model: string;
  requirement: string;
  reason: string;
  state: WaiverRecord['state'];
  author: string;
  author_person_id: number | null;
  proposed_ms: number;
  decided_by: string | null;
  decided_reason: string | null;
  decided_ms: number | null;
};

export type ProductSchema = { product_record: ProductColumns; waiver: WaiverColumns };

export type ProductTable = Selectable<ProductColumns>;
export type WaiverTable = Selectable<WaiverColumns>;
