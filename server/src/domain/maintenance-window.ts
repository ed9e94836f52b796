/**
 * Whether a device may install now, by the windows of its rollout in the device's own time; and when that changes. Pure.
 *
 * Windows that touch or overlap are one. Durations are real time: a window of two hours in the night of a change of the
 * clocks lasts two hours.
 */
import { type MaintenanceWindow, WEEKDAYS } from '@pawl/contract/management';
import { instantOf, offsetAt } from './time-zone.ts';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** The longest window is a week; so whatever is open today began in the last eight days. */
const DAYS_BACK = 8;
/** Every window opens again within a week. */
const DAYS_AHEAD = 8;

export type WindowState = {
  readonly isOpen: boolean;
  /** Until when this holds at least: the windows close then, or open. */
  readonly untilMs: number;
};

const ALWAYS: WindowState = { isOpen: true, untilMs: Number.POSITIVE_INFINITY };

type Span = { readonly fromMs: number; readonly toMs: number };

/** 1970-01-01 was a Thursday; the week begins on Monday. */
function weekdayOf(localDay: number): string {
  return WEEKDAYS[(((localDay + 3) % 7) + 7) % 7] ?? '';
}

function minutesOf(start: string): number {
  const [hours = 0, minutes = 0] = start.split(':').map(Number);
  return hours * 60 + minutes;
}

function spansAround(windows: readonly MaintenanceWindow[], zone: string, instantMs: number): Span[] {
  const today = Math.floor((instantMs + offsetAt(zone, instantMs)) / DAY_MS);
  const spans: Span[] = [];
  for (let day = today - DAYS_BACK; day <= today + DAYS_AHEAD; day += 1) {
    for (const { days = WEEKDAYS, start, durationMinutes } of windows) {
      if (!days.some((name) => name === weekdayOf(day))) continue;
      const fromMs = instantOf(zone, day * DAY_MS + minutesOf(start) * MINUTE_MS);
      spans.push({ fromMs, toMs: fromMs + durationMinutes * MINUTE_MS });
    }
  }
  return spans.sort((left, right) => left.fromMs - right.fromMs);
}

/** Open or closed at an instant, and until when. No windows: always open. */
export function windowAt(windows: readonly MaintenanceWindow[], zone: string, instantMs: number): WindowState {
  if (windows.length === 0) return ALWAYS;
  let closesMs: number | undefined;
  for (const { fromMs, toMs } of spansAround(windows, zone, instantMs)) {
    if (fromMs > (closesMs ?? instantMs)) {
      return closesMs === undefined ? { isOpen: false, untilMs: fromMs } : { isOpen: true, untilMs: closesMs };
    }
    if (toMs > (closesMs ?? instantMs)) closesMs = toMs;
  }
  return { isOpen: closesMs !== undefined, untilMs: closesMs ?? instantMs + DAY_MS };
}

/** Looks at windows again only when they change: a poll costs a look into a map. Bounded. */
export class WindowClock {
  static readonly #KEPT_MAX = 20_000;
  readonly #kept = new Map<string, WindowState & { readonly sinceMs: number }>();

  /** `key` names the windows: of the same key are the same windows. */
  at(key: string, windows: readonly MaintenanceWindow[], zone: string, instantMs: number): WindowState {
    const name = `${key} ${zone}`;
    const kept = this.#kept.get(name);
    if (kept !== undefined && instantMs >= kept.sinceMs && instantMs < kept.untilMs) return kept;
    if (this.#kept.size >= WindowClock.#KEPT_MAX) this.#kept.clear();
    const state = windowAt(windows, zone, instantMs);
    this.#kept.set(name, { ...state, sinceMs: instantMs });
    return state;
  }
}
