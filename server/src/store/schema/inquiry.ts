/** Tables of inquiries to suppliers. */
import type { InquiryReminder, InquiryRound, InquiryState } from '@pawl/contract/management';
import type { Generated, Selectable } from 'kysely';

type InquiryColumns = {
  id: Generated<number>;
  tenant_id: number;
  product: string;
  /** JSON: supplier, models, parts, note, template. */
  record: string;
  due_on: string;
  state: InquiryState;
  round: number;
  link_sha256: Uint8Array | null;
  link_expires_ms: number | null;
  /** JSON: what the supplier saved and did not submit. */
  draft: string | null;
  /** Counts changes of the draft: a form of before is known by it. */
  revision: number;
  ended_reason: string | null;
  /** The last reminder that went out. */
  reminded: InquiryReminder | null;
  made_by: string;
  made_ms: number;
};

type RoundColumns = {
  inquiry_id: number;
  round: number;
  /** JSON. */
  answers: string;
  answered_by: string;
  submitted_ms: number;
  verdict: InquiryRound['verdict'];
  reviewed_by: string | null;
  review_note: string | null;
};

export type InquirySchema = {
  inquiry: InquiryColumns;
  inquiry_round: RoundColumns;
  inquiry_file: { inquiry_id: number; sha256: string; tenant_id: number; size_bytes: number; added_ms: number };
};

export type InquiryTable = Selectable<InquiryColumns>;
export type InquiryRoundTable = Selectable<RoundColumns>;
