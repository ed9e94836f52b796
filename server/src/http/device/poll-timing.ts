/** The sleep time of a poll answer: `HH:MM:SS`, exactly eight characters, as one client insists. */

/** hawkBit's largest polling time, 23:59:59. */
const SLEEP_S_MAX = 86_399;
const SLEEP_S_MIN = 1;

/** Writes a number of seconds as a sleep time, held between one second and a day less one. */
export function encodeSleep(seconds: number): string {
  const whole = Math.min(SLEEP_S_MAX, Math.max(SLEEP_S_MIN, Math.ceil(seconds)));
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return parts.map((part) => String(part).padStart(2, '0')).join(':');
}
