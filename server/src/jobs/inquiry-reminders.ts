/**
 * Reminds of inquiries that suppliers have not answered, by events. Each reminder goes out once, whichever process runs this;
 * of what fell into a time when no server ran only the last is told.
 */
import { dueReminder } from '@pawl/compliance/supplier';
import { emitEvent } from '../acts/event.ts';
import type { ServerPorts } from '../acts/ports.ts';
import { inquiryRecord } from '../acts/supply/inquiry-record.ts';
import { findInquiry, openInquiries, updateInquiry } from '../store/inquiries.ts';

/** Looks once at every open inquiry. */
export async function remindOfInquiries({ database, now }: ServerPorts): Promise<void> {
  const today = now().toISOString().slice(0, 10);
  for (const { id, tenant_id: tenantId } of await openInquiries(database.read)) {
    await database.write(async (trx) => {
      const row = await findInquiry(trx, tenantId, id);
      if (row?.state !== 'open') return;
      const reminder = dueReminder(row.due_on, today);
      if (reminder === undefined || reminder === row.reminded) return;
      await updateInquiry(trx, id, { reminded: reminder });
      const { supplier } = inquiryRecord(row);
      const told = { inquiryId: id, product: row.product, supplier, dueOn: row.due_on, reminder };
      await emitEvent(trx, { tenantId, nowMs: now().getTime() }, 'pawl.inquiry.reminder', told);
    });
  }
}
