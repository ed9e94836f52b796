/** Handlers of the audit. */
import { PeopleError } from '../../../acts/people/errors.ts';
import { auditView, queryAudit } from '../../../store/audit.ts';
import { readCursor } from '../cursor.ts';
import { type Handlers, PAGE, pageOf } from './handler.ts';

const EXPORT_MAX = 50_000;

type Selection = {
  readonly actor?: string | undefined;
  readonly operation?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
};

function selectionOf(tenantId: number, { actor, operation, from, to }: Selection) {
  const ms = (time: string | undefined): number | undefined => (time === undefined ? undefined : Date.parse(time));
  return { tenantId, actor, operation, fromMs: ms(from), toMs: ms(to) };
}

/** RFC 4180; what a spreadsheet would take for a formula gets an apostrophe. */
function csvCell(value: string | number): string {
  const text = String(value).replace(/^(?=[=+\-@\t\r])/, "'");
  return `"${text.replaceAll('"', '""')}"`;
}

export const AUDIT_HANDLERS: Pick<Handlers, 'listAudit' | 'exportAudit'> = {
  listAudit: async ({ actor, query }, { database }) => {
    const limit = query.limit ?? PAGE;
    const page = { beforeId: readCursor(query.cursor), limit: limit + 1 };
    const rows = await queryAudit(database.read, { ...selectionOf(actor.tenantId, query), ...page });
    return pageOf(rows.map(auditView), limit, ({ id }) => String(id));
  },
  exportAudit: async ({ actor, query }, { database }) => {
    const selection = { ...selectionOf(actor.tenantId, query), limit: EXPORT_MAX + 1 };
    const entries = (await queryAudit(database.read, selection)).map(auditView);
    if (entries.length > EXPORT_MAX) throw new PeopleError('AUDIT_TOO_LARGE', { expected: EXPORT_MAX });
    if (query.format === 'json') return new TextEncoder().encode(JSON.stringify(entries));
    const names = ['id', 'at', 'actor', 'credential', 'operation', 'target', 'result', 'source', 'requestId'] as const;
    const lines = [names.map(csvCell), ...entries.map((entry) => names.map((name) => csvCell(entry[name])))];
    return new TextEncoder().encode(lines.map((cells) => `${cells.join(',')}\r\n`).join(''));
  },
};
