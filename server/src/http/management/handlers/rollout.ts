/** Handlers of rollouts and assignments. */
import { ServerError } from '../../../acts/errors.ts';
import { cancelAssignment, changeRollout, createRollout } from '../../../acts/rollout.ts';
import { queryAssignments } from '../../../store/assignments.ts';
import { findRollout, queryRollouts, rolloutView } from '../../../store/rollouts.ts';
import { readCursor } from '../cursor.ts';
import { type Handlers, PAGE, pageOf } from './handler.ts';

export const ROLLOUT_HANDLERS: Pick<
  Handlers,
  'createRollout' | 'listRollouts' | 'getRollout' | 'changeRollout' | 'listAssignments' | 'cancelAssignment'
> = {
  createRollout: ({ actor, body }, ports) => createRollout(ports, actor, body),
  listRollouts: async ({ actor, query }, { database }) => {
    const limit = query.limit ?? PAGE;
    const beforeId = readCursor(query.cursor);
    const rows = await queryRollouts(database.read, { tenantId: actor.tenantId, beforeId, limit: limit + 1 });
    const views = [];
    for (const row of rows) views.push(await rolloutView(database.read, row));
    return pageOf(views, limit, (rollout) => String(rollout.id));
  },
  getRollout: async ({ actor, params }, { database }) => {
    const row = await findRollout(database.read, actor.tenantId, params.id);
    if (row === undefined) throw new ServerError('ROLLOUT_UNKNOWN', { id: params.id });
    return await rolloutView(database.read, row);
  },
  changeRollout: ({ actor, params }, ports) => changeRollout(ports, actor, params.id, params.verb),
  listAssignments: async ({ actor, query }, { database }) => {
    const limit = query.limit ?? PAGE;
    const { rolloutId, controllerId } = query;
    const afterId = readCursor(query.cursor) ?? 0;
    const tenantId = actor.tenantId;
    const rows = await queryAssignments(database.read, {
      tenantId,
      rolloutId,
      controllerId,
      afterId,
      limit: limit + 1,
    });
    return pageOf(rows, limit, (assignment) => String(assignment.id));
  },
  cancelAssignment: ({ actor, params }, ports) => cancelAssignment(ports, actor.tenantId, params.id),
};
