/** Approval of rollouts by people, and the way back of a fleet. */
import { z } from 'zod';
import { approval, newApproval, newDenial } from '../resources/approval.ts';
import { name, numericId } from '../resources/names.ts';
import { rollout } from '../resources/rollout.ts';
import { byId, type OperationTable } from './operation.ts';

export const APPROVAL_OPERATIONS = {
  getApproval: {
    method: 'GET',
    path: '/api/v1/rollouts/{id}/approval',
    summary: 'What exactly is to be approved, its digest, and what people said',
    allow: 'rollout:read',
    line: 'rollout',
    params: byId,
    response: approval,
    errors: ['ROLLOUT_UNKNOWN'],
  },
  approveRollout: {
    method: 'POST',
    path: '/api/v1/rollouts/{id}/approval',
    summary:
      'Approve exactly this rollout, signed by a passkey or a registered key; not the author, and each person once',
    allow: 'rollout:approve',
    line: 'rollout',
    params: byId,
    body: newApproval,
    response: approval,
    errors: [
      'ROLLOUT_UNKNOWN',
      'ROLLOUT_STATE_UNSUITABLE',
      'PERSON_REQUIRED',
      'APPROVAL_BY_AUTHOR',
      'APPROVAL_TWICE',
      'APPROVAL_SIGNATURE_INVALID',
    ],
  },
  withdrawApproval: {
    method: 'DELETE',
    path: '/api/v1/rollouts/{id}/approval',
    summary: "Take back one's own approval, as long as the rollout has not started",
    allow: 'rollout:approve',
    line: 'rollout',
    params: byId,
    response: approval,
    errors: ['ROLLOUT_UNKNOWN', 'ROLLOUT_STATE_UNSUITABLE', 'PERSON_REQUIRED', 'APPROVAL_NONE'],
  },
  denyRollout: {
    method: 'POST',
    path: '/api/v1/rollouts/{id}/denial',
    summary: 'Say no, with the reason: the rollout will not start',
    allow: 'rollout:approve',
    line: 'rollout',
    params: byId,
    body: newDenial,
    response: approval,
    errors: ['ROLLOUT_UNKNOWN', 'ROLLOUT_STATE_UNSUITABLE', 'PERSON_REQUIRED'],
  },
  returnRollout: {
    method: 'POST',
    path: '/api/v1/rollouts/{id}/return',
    summary: 'A rollout of a newer release to exactly the devices that took this one; stops this one if it halted',
    allow: 'rollout:write',
    line: 'rollout',
    params: byId,
    body: z.strictObject({ releaseId: numericId, name: name.optional() }),
    response: rollout,
    errors: [
      'ROLLOUT_UNKNOWN',
      'ROLLOUT_STATE_UNSUITABLE',
      'RELEASE_UNKNOWN',
      'RELEASE_NOT_PUBLISHED',
      'ROLLOUT_RETURN_NOT_NEWER',
      'ROLLOUT_BELOW_FLOOR',
      'ROLLOUT_EMPTY',
    ],
  },
} as const satisfies OperationTable;
