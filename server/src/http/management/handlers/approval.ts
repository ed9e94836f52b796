/** Handlers of approvals and of the way back of a fleet. */
import { approveRollout, denyRollout, showApproval, withdrawApproval } from '../../../acts/approval.ts';
import { returnRollout } from '../../../acts/rollout-return.ts';
import type { Handlers } from './handler.ts';

export const APPROVAL_HANDLERS: Pick<
  Handlers,
  'getApproval' | 'approveRollout' | 'withdrawApproval' | 'denyRollout' | 'returnRollout'
> = {
  getApproval: ({ actor, params }, { database }) => showApproval(database.read, actor.tenantId, params.id),
  approveRollout: ({ actor, params, body }, ports) => approveRollout(ports, actor, params.id, body.signature),
  withdrawApproval: ({ actor, params }, ports) => withdrawApproval(ports, actor, params.id),
  denyRollout: ({ actor, params, body }, ports) => denyRollout(ports, actor, params.id, body.reason),
  returnRollout: ({ actor, params, body }, ports) => returnRollout(ports, actor, params.id, body),
};
