/** An inquiry as a record: how it is shown, and how each act on it becomes a statement and counts from then on. */
import { createHash } from 'node:crypto';
import type { Inquiry, InquiryAnswer, NewInquiry } from '@pawl/contract/management';
import { canonicalJson, type Statement } from '@pawl/core/evidence';
import { tenantName } from '../../store/access.ts';
import type { Db, Trx } from '../../store/database.ts';
import { listRounds } from '../../store/inquiries.ts';
import { appendStatement } from '../../store/ledger.ts';
import type { InquiryTable } from '../../store/schema/index.ts';
import { emitEvent } from '../event.ts';
import type { ServerPorts } from '../ports.ts';

const DAY_MS = 86_400_000;

export type InquiryRecord = Omit<NewInquiry, 'product' | 'dueOn' | 'validForDays'>;

/** What was asked of whom. */
export function inquiryRecord(row: InquiryTable): InquiryRecord {
  return JSON.parse(row.record) as InquiryRecord;
}

const sha256Of = (value: unknown): string =>
  createHash('sha256')
    .update(canonicalJson(JSON.parse(JSON.stringify(value)) as Statement['predicate']))
    .digest('hex');

/** An inquiry as the management API shows it. */
export async function inquiryView(db: Db, row: InquiryTable, now: Date): Promise<Inquiry> {
  const { template, ...asked } = inquiryRecord(row);
  const today = now.toISOString().slice(0, 10);
  const rounds = await listRounds(db, row.id);
  const isLinked = row.link_sha256 !== null && (row.link_expires_ms ?? 0) > now.getTime();
  return {
    id: row.id,
    ...asked,
    product: row.product,
    dueOn: row.due_on,
    template: `${template.template} ${template.edition}`,
    questions: template.questions,
    state: row.state,
    isOverdue: row.state === 'open' && row.due_on < today,
    daysLeft: Math.round((Date.parse(row.due_on) - Date.parse(today)) / DAY_MS),
    linkExpiresAt: isLinked ? new Date(row.link_expires_ms ?? 0).toISOString() : null,
    hasDraft: row.state === 'open' && row.revision > 0 && row.draft !== null,
    rounds: rounds.map((one) => ({
      round: one.round,
      answeredBy: one.answered_by,
      submittedAt: new Date(one.submitted_ms).toISOString(),
      answers: JSON.parse(one.answers) as InquiryAnswer[],
      verdict: one.verdict,
      reviewedBy: one.reviewed_by,
      reviewNote: one.review_note,
    })),
    madeBy: row.made_by,
    madeAt: new Date(row.made_ms).toISOString(),
    endedReason: row.ended_reason,
  };
}

type Act = {
  readonly act: 'make' | 'link' | 'revoke' | 'submit' | 'accept' | 'ask-again' | 'withdraw';
  readonly by: string;
  readonly facts?: Readonly<Record<string, string>>;
};

/** The statement and the event of an act. */
export async function recordInquiry(
  trx: Trx,
  ports: ServerPorts,
  row: InquiryTable,
  { act, by, facts = {} }: Act,
): Promise<void> {
  const { supplier, models, parts, template } = inquiryRecord(row);
  const requirements = [...new Set(template.questions.flatMap((one) => one.requirements ?? []))];
  await appendStatement(trx, ports.keys.ledger, {
    tenantId: row.tenant_id,
    predicateType: 'urn:pawl:inquiry:1',
    subject: { name: `inquiry/${row.id}`, digest: { sha256: sha256Of({ record: row.record, due: row.due_on }) } },
    predicate: {
      act,
      inquiry: row.id,
      round: row.round,
      tenant: await tenantName(trx, row.tenant_id),
      product: row.product,
      supplier,
      models: models ?? [],
      parts,
      template: `${template.template} ${template.edition}`,
      requirements,
      ...facts,
      by,
      at: ports.now().toISOString(),
    },
  });
  const at = { tenantId: row.tenant_id, nowMs: ports.now().getTime() };
  await emitEvent(trx, at, 'pawl.inquiry.changed', { inquiryId: row.id, product: row.product, supplier, act, by });
}

/** The statement of one answer: in words where it is short, by its digest as a whole. */
export async function recordAnswer(
  trx: Trx,
  ports: ServerPorts,
  row: InquiryTable,
  { answer, isFavourable }: { readonly answer: InquiryAnswer; readonly isFavourable: boolean },
): Promise<void> {
  const question = inquiryRecord(row).template.questions.find(({ id }) => id === answer.question);
  if (question === undefined) throw new TypeError('an answer has its question');
  await appendStatement(trx, ports.keys.ledger, {
    tenantId: row.tenant_id,
    predicateType: 'urn:pawl:supplier-answer:1',
    subject: { name: `inquiry/${row.id}/${question.id}`, digest: { sha256: sha256Of(answer) } },
    predicate: JSON.parse(
      JSON.stringify({
        inquiry: row.id,
        round: row.round,
        tenant: await tenantName(trx, row.tenant_id),
        product: row.product,
        question: question.id,
        topic: question.topic,
        text: question.text,
        ...(question.kind === 'text' ? { isAnswered: answer.value !== '' } : { value: answer.value }),
        isFavourable,
        worth: answer.worth,
        files: answer.files,
        requirements: question.requirements ?? [],
        at: ports.now().toISOString(),
      }),
    ) as Statement['predicate'],
  });
}
