/** Handlers of laboratories, test plans and results. */
import { importLaboratories, laboratoryDirectory } from '../../../acts/testing/laboratory.ts';
import { importTestResults, makeTestPlan, mustFindTestPlan, testPlanView } from '../../../acts/testing/plan.ts';
import { queryTestPlans } from '../../../store/testing.ts';
import { readCursor } from '../cursor.ts';
import { type Handlers, PAGE, pageOf } from './handler.ts';

export const TESTING_HANDLERS: Pick<
  Handlers,
  'importLaboratories' | 'listLaboratories' | 'makeTestPlan' | 'listTestPlans' | 'getTestPlan' | 'importTestResults'
> = {
  importLaboratories: ({ actor, body }, ports) => importLaboratories(ports, actor, body.laboratories),
  listLaboratories: ({ actor }, { database }) => laboratoryDirectory(database.read, actor.tenantId),
  makeTestPlan: ({ actor, body }, ports) => makeTestPlan(ports, actor, body),
  listTestPlans: async ({ actor, query }, { database, now }) => {
    const { product, cursor } = query;
    const limit = query.limit ?? PAGE;
    const at = { beforeId: readCursor(cursor), limit: limit + 1 };
    const rows = await queryTestPlans(database.read, { tenantId: actor.tenantId, product, ...at });
    const views = [];
    for (const row of rows) views.push(await testPlanView(database.read, row, now()));
    return pageOf(views, limit, ({ id }) => String(id));
  },
  getTestPlan: async ({ actor, params }, { database, now }) =>
    testPlanView(database.read, await mustFindTestPlan(database.read, actor.tenantId, params.id), now()),
  importTestResults: ({ actor, params, body }, ports) => importTestResults(ports, actor, params.id, body),
};
