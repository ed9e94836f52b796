/**
 * What a device's feedback means (DDI). Pure: from `execution` and `finished` to a status of hawkBit's vocabulary.
 *
 * The status is what the device said, no more: what becomes of the assignment is decided in `domain`.
 */
import type { DdiFeedback } from '@pawl/contract/device';

export const DDI_STATUSES = [
  'RETRIEVED',
  'RUNNING',
  'DOWNLOAD',
  'DOWNLOADED',
  'WARNING',
  'FINISHED',
  'ERROR',
  'CANCELED',
  'CANCEL_REJECTED',
] as const;
export type DdiStatus = (typeof DDI_STATUSES)[number];

/** hawkBit keeps messages of at most 512 characters and splits longer ones. */
const MESSAGE_CHARS_MAX = 512;
const MESSAGES_MAX = 50;

/** Feedback on a deployment. */
export function deploymentStatusOf({ status }: DdiFeedback): DdiStatus {
  switch (status.execution) {
    case 'closed':
      return status.result.finished === 'failure' ? 'ERROR' : 'FINISHED';
    case 'canceled':
      return 'CANCELED';
    case 'rejected':
      return 'WARNING';
    case 'download':
      return 'DOWNLOAD';
    case 'downloaded':
      return 'DOWNLOADED';
    case 'proceeding':
    case 'scheduled':
    case 'resumed':
      return 'RUNNING';
  }
}

/**
 * Feedback on a cancellation. `canceled` ends it too, which hawkBit takes as a warning and so never ends (its issue
 * 952); a failure and a rejection both put the deployment back.
 */
export function cancelStatusOf({ status }: DdiFeedback): DdiStatus {
  switch (status.execution) {
    case 'closed':
      return status.result.finished === 'failure' ? 'CANCEL_REJECTED' : 'CANCELED';
    case 'canceled':
      return 'CANCELED';
    case 'rejected':
      return 'CANCEL_REJECTED';
    case 'download':
    case 'downloaded':
    case 'proceeding':
    case 'scheduled':
    case 'resumed':
      return 'RUNNING';
  }
}

export function isFinalStatus(status: DdiStatus): boolean {
  return status === 'FINISHED' || status === 'ERROR' || status === 'CANCELED' || status === 'CANCEL_REJECTED';
}

/** The messages to keep: in pieces of 512 characters, at most 50. */
export function splitMessages(details: readonly string[] | null | undefined): string[] {
  const pieces = (details ?? []).flatMap((line) => {
    const characters = Array.from(line);
    const count = Math.max(1, Math.ceil(characters.length / MESSAGE_CHARS_MAX));
    return Array.from({ length: count }, (_, index) =>
      characters.slice(index * MESSAGE_CHARS_MAX, (index + 1) * MESSAGE_CHARS_MAX).join(''),
    );
  });
  return pieces.slice(0, MESSAGES_MAX);
}
