/** The handler of what devices said. */
import { ServerError } from '../../../acts/errors.ts';
import { findAssignment, readLog } from '../../../store/assignments.ts';
import { type Handlers, PAGE } from './handler.ts';

export const ASSIGNMENT_LOG_HANDLERS: Pick<Handlers, 'listAssignmentLog'> = {
  listAssignmentLog: async ({ actor, params: { id }, query }, { database }) => {
    const row = await findAssignment(database.read, id);
    if (row?.tenant_id !== actor.tenantId) throw new ServerError('ASSIGNMENT_UNKNOWN', { id });
    const entries = await readLog(database.read, id, query.limit ?? PAGE);
    const items = entries.map(({ atMs, status, messages }) => ({
      at: new Date(atMs).toISOString(),
      status,
      messages: [...messages],
    }));
    return { items };
  },
};
