/** The calendar: dates with kind and verification, plans laid backwards from them, and both for calendar programs. */
export {
  DATE_KINDS,
  type DateKind,
  type Deadline,
  type DeadlineTable,
  deadlinesBetween,
  isBinding,
  loadDeadlines,
  parseDeadlines,
} from './deadline.ts';
export { CALENDAR_ERRORS, CalendarError, type CalendarErrorCode } from './errors.ts';
export { encodeICalendar } from './icalendar.ts';
export { type ScheduledStep, type Step, scheduleBack } from './schedule.ts';
