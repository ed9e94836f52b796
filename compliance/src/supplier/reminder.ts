/** When somebody is reminded of an inquiry that is not answered: a week before its day, on the day, and when it is over. */

import type { InquiryReminder } from '@pawl/contract/management';

const DAY_MS = 86_400_000;
const WEEK_DAYS = 7;

/** The reminder whose time has come last; undefined: it is too early for any. Both are days. */
export function dueReminder(dueOn: string, today: string): InquiryReminder | undefined {
  const days = Math.round((Date.parse(dueOn) - Date.parse(today)) / DAY_MS);
  if (days < 0) return 'overdue';
  if (days === 0) return 'day';
  return days <= WEEK_DAYS ? 'week' : undefined;
}
