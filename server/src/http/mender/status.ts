/** What a Mender client says of an installation: its states, and its log when it failed. */
import type { MenderLog } from '@pawl/contract/mender';
import { settleRollouts } from '../../acts/engine.ts';
import { applyEvent, rolloutsOf, type Transition } from '../../acts/transition.ts';
import { insertLog } from '../../store/assignments.ts';
import { findOwn, isQuotaUsed, refuseFull } from '../device/action-feedback.ts';
import { splitMessages } from '../device/feedback.ts';
import { parseId } from '../device/parameters.ts';
import { decideStatus, isFinalMenderStatus } from './decide-status.ts';
import { MenderApiError } from './errors.ts';
import type { MenderHandler } from './request.ts';

const DONE = { kind: 'empty', status: 204 } as const;

export const putDeploymentStatus: MenderHandler<'putDeploymentStatus'> = async ({ sender, params, body }, ports) => {
  const id = parseId('deploymentId', params['deploymentId']);
  const nowMs = ports.now().getTime();
  const { status, substate } = body;
  const isFull = !isFinalMenderStatus(status) && (await isQuotaUsed(ports, id));
  const rolloutIds = await ports.database.write(async (trx) => {
    const row = await findOwn(trx, sender.device, id);
    const decision = decideStatus(row.state, status);
    if (decision.kind === 'abort') throw new MenderApiError('MENDER_DEPLOYMENT_ABORTED', { id, actual: row.state });
    if (decision.kind === 'unknown') throw new MenderApiError('MENDER_DEPLOYMENT_UNKNOWN', { id });
    if (decision.kind === 'repeat') return [];
    let transition: Transition | undefined;
    if (decision.kind === 'event') {
      const { event, code } = decision;
      transition = await applyEvent(trx, ports.keys.ledger, id, event, { nowMs, code });
    }
    const messages = splitMessages(substate === undefined || substate === null ? [] : [substate]);
    refuseFull(isFull);
    await insertLog(trx, id, { status: status.toUpperCase(), messages, atMs: nowMs });
    return transition === undefined ? [] : rolloutsOf(transition);
  });
  await settleRollouts(ports, rolloutIds);
  return DONE;
};

const ENTRY_LINES = 50;
const ENTRIES_MAX = 10;

/** The end of the log, which says why: at most 500 lines, 50 an entry. */
function logEntries({ messages }: MenderLog): string[][] {
  const lines = messages
    .slice(-ENTRY_LINES * ENTRIES_MAX)
    .map(({ timestamp, level, message }) => `${timestamp} ${level}: ${message}`);
  return Array.from({ length: Math.ceil(lines.length / ENTRY_LINES) }, (_, index) =>
    splitMessages(lines.slice(index * ENTRY_LINES, (index + 1) * ENTRY_LINES)),
  );
}

const LOG = 'LOG';

/** The log follows the last status, so it is taken after the end; once, because the client repeats what was not answered. */
export const putDeploymentLog: MenderHandler<'putDeploymentLog'> = async ({ sender, params, body }, ports) => {
  const id = parseId('deploymentId', params['deploymentId']);
  const atMs = ports.now().getTime();
  await ports.database.write(async (trx) => {
    await findOwn(trx, sender.device, id);
    const known = await trx
      .selectFrom('assignment_log')
      .select('id')
      .where('assignment_id', '=', id)
      .where('status', '=', LOG)
      .executeTakeFirst();
    if (known !== undefined) return;
    for (const messages of logEntries(body)) await insertLog(trx, id, { status: LOG, messages, atMs });
  });
  return DONE;
};
