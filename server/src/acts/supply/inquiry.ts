/**
 * Inquiries to suppliers, from the side of whoever asks: made from a template, sent as a link without an account, reviewed.
 * Of the link only a digest is kept; each act is a statement in the same transaction. A review says that answers count or asks
 * again: what they are worth follows from what came with them, and no act here changes it.
 */
import type { Inquiry, NewInquiry } from '@pawl/contract/management';
import type { Actor } from '../../domain/actor.ts';
import type { Db, Trx } from '../../store/database.ts';
import { findInquiry, insertInquiry, reviewRound, updateInquiry } from '../../store/inquiries.ts';
import type { InquiryTable } from '../../store/schema/index.ts';
import { EvidenceVaultError } from '../evidence/errors.ts';
import { catalogues } from '../evidence/library.ts';
import { mustFindProduct } from '../evidence/live.ts';
import { productView } from '../evidence/product.ts';
import type { ServerPorts } from '../ports.ts';
import { secretSha256 } from '../secret.ts';
import { SupplyError } from './errors.ts';
import { inquiryView, recordInquiry } from './inquiry-record.ts';

const DAY_MS = 86_400_000;
const VALID_DAYS = 60;

export const INQUIRY_PATH = '/inquiry/';

type Sent = { readonly inquiry: Inquiry; readonly path: string };

/** @throws SupplyError INQUIRY_UNKNOWN */
export async function mustFindInquiry(db: Db, tenantId: number, id: number): Promise<InquiryTable> {
  const row = await findInquiry(db, tenantId, id);
  if (row === undefined) throw new SupplyError('INQUIRY_UNKNOWN', { id });
  return row;
}

function newLink(ports: ServerPorts, validForDays = VALID_DAYS) {
  const secret = ports.newSecret();
  const columns = {
    link_sha256: secretSha256(secret),
    link_expires_ms: ports.now().getTime() + validForDays * DAY_MS,
  };
  return { path: `${INQUIRY_PATH}${secret}`, columns };
}

/** Refuses models and requirements that are not there. */
async function refuseUnknown(db: Db, tenantId: number, input: NewInquiry): Promise<void> {
  const { models } = productView(await mustFindProduct(db, tenantId, input.product));
  const stray = input.models?.find((one) => !models.includes(one));
  if (stray !== undefined) throw new EvidenceVaultError('PRODUCT_MODEL_UNKNOWN', { model: stray });
  const library = catalogues();
  const unknown = input.template.questions
    .flatMap(({ requirements = [] }) => requirements)
    .find((one) => library.find(one) === undefined);
  if (unknown !== undefined) throw new EvidenceVaultError('EVIDENCE_WORD_UNKNOWN', { actual: unknown });
}

/**
 * Asks a supplier; gives the path of the link, which nobody can read again.
 * @throws EvidenceVaultError PRODUCT_UNKNOWN, PRODUCT_MODEL_UNKNOWN, EVIDENCE_WORD_UNKNOWN
 */
export async function makeInquiry(ports: ServerPorts, actor: Actor, input: NewInquiry): Promise<Sent> {
  return await ports.database.write(async (trx) => {
    await refuseUnknown(trx, actor.tenantId, input);
    const { product, dueOn, validForDays, ...record } = input;
    const { path, columns } = newLink(ports, validForDays);
    const row = await insertInquiry(trx, {
      tenant_id: actor.tenantId,
      product,
      record: JSON.stringify(record),
      due_on: dueOn,
      ...columns,
      made_by: actor.id,
      made_ms: ports.now().getTime(),
    });
    await recordInquiry(trx, ports, row, { act: 'make', by: actor.id });
    return { inquiry: await inquiryView(trx, row, ports.now()), path };
  });
}

type Change = (trx: Trx, row: InquiryTable) => Promise<InquiryTable>;

function change(ports: ServerPorts, actor: Actor, id: number, how: Change): Promise<Inquiry> {
  return ports.database.write(async (trx) => {
    const row = await how(trx, await mustFindInquiry(trx, actor.tenantId, id));
    return await inquiryView(trx, row, ports.now());
  });
}

function refuseState(row: InquiryTable, ...unsuitable: readonly InquiryTable['state'][]): void {
  const { id, state } = row;
  if (unsuitable.includes(state)) throw new SupplyError('INQUIRY_STATE_UNSUITABLE', { id, state });
}

/** @throws SupplyError INQUIRY_UNKNOWN, INQUIRY_STATE_UNSUITABLE */
export async function renewInquiryLink(
  ports: ServerPorts,
  actor: Actor,
  id: number,
  validForDays: number | undefined,
): Promise<Sent> {
  const { path, columns } = newLink(ports, validForDays);
  const inquiry = await change(ports, actor, id, async (trx, row) => {
    refuseState(row, 'withdrawn', 'accepted');
    await recordInquiry(trx, ports, row, { act: 'link', by: actor.id });
    return await updateInquiry(trx, id, columns);
  });
  return { inquiry, path };
}

/** @throws SupplyError INQUIRY_UNKNOWN */
export function revokeInquiryLink(ports: ServerPorts, actor: Actor, id: number): Promise<Inquiry> {
  return change(ports, actor, id, async (trx, row) => {
    await recordInquiry(trx, ports, row, { act: 'revoke', by: actor.id });
    return await updateInquiry(trx, id, { link_sha256: null, link_expires_ms: null });
  });
}

type Review = {
  readonly verdict: 'accept' | 'ask-again';
  readonly note?: string | undefined;
  readonly dueOn?: string | undefined;
};

/**
 * Lets the answers of the last round count, or asks again: then the supplier goes on from what was answered.
 * @throws SupplyError INQUIRY_UNKNOWN, INQUIRY_STATE_UNSUITABLE
 */
export function reviewInquiry(ports: ServerPorts, actor: Actor, id: number, review: Review): Promise<Inquiry> {
  const { verdict, note, dueOn } = review;
  return change(ports, actor, id, async (trx, row) => {
    refuseState(row, 'open', 'withdrawn');
    if (verdict === 'accept') refuseState(row, 'accepted');
    await recordInquiry(trx, ports, row, {
      act: verdict,
      by: actor.id,
      facts: note === undefined ? {} : { note },
    });
    const of = { inquiry_id: id, round: row.round };
    // An answer that was accepted once stays so until another one is.
    if (row.state === 'submitted') {
      const said = verdict === 'accept' ? 'accepted' : 'asked-again';
      await reviewRound(trx, of, { verdict: said, reviewed_by: actor.id, review_note: note ?? null });
    }
    if (verdict === 'accept') return await updateInquiry(trx, id, { state: 'accepted' });
    return await updateInquiry(trx, id, {
      state: 'open',
      round: row.round + 1,
      due_on: dueOn ?? row.due_on,
      reminded: null,
      record: JSON.stringify({ ...(JSON.parse(row.record) as object), note }),
    });
  });
}

/** @throws SupplyError INQUIRY_UNKNOWN, INQUIRY_STATE_UNSUITABLE */
export function withdrawInquiry(ports: ServerPorts, actor: Actor, id: number, reason: string): Promise<Inquiry> {
  return change(ports, actor, id, async (trx, row) => {
    refuseState(row, 'withdrawn');
    await recordInquiry(trx, ports, row, { act: 'withdraw', by: actor.id, facts: { reason } });
    return await updateInquiry(trx, id, {
      state: 'withdrawn',
      link_sha256: null,
      link_expires_ms: null,
      ended_reason: reason,
    });
  });
}
