/**
 * What a device is offered at this moment, at most one thing: by the state of its assignment, the windows of its rollout in
 * the device's own time, and whether its user has put the question off. From what the one read of a poll gave.
 *
 * A client without a key of Pawl's hears nothing of an offer outside its window: some of them install whatever they are
 * shown, and one answers `update: skip` by closing the action. The option `tell` is for clients that wait.
 */
import { WindowClock, type WindowState } from '../../domain/maintenance-window.ts';
import { DEFAULT_ZONE, parsePolicy, type StoredPolicy } from '../../domain/rollout-policy.ts';
import { isTimeZone } from '../../domain/time-zone.ts';
import { offerKindOf } from './decide-feedback.ts';
import type { Offer } from './documents.ts';
import type { KnownDevice } from './known-device.ts';

const POLICIES_MAX = 1000;
const policies = new Map<string, StoredPolicy>();
const windows = new WindowClock();

/** A policy is parsed once, not at each poll. */
function policyOf(text: string): StoredPolicy {
  const known = policies.get(text);
  if (known !== undefined) return known;
  if (policies.size >= POLICIES_MAX) policies.clear();
  const policy = parsePolicy(text);
  policies.set(text, policy);
  return policy;
}

/** The windows of the assignment in hand, now; undefined where there are none. */
export function windowOf(device: KnownDevice, nowMs: number): WindowState | undefined {
  const { current } = device;
  if (current?.policy === undefined) return undefined;
  const { maintenance } = policyOf(current.policy);
  if (maintenance === null) return undefined;
  const zone = device.timeZone ?? maintenance.timeZone;
  return windows.at(current.policy, maintenance.windows, isTimeZone(zone) ? zone : DEFAULT_ZONE, nowMs);
}

/** Whether the device is not to see its offer now, because it may not wait for the window. */
export function isWithheld(device: KnownDevice, nowMs: number): boolean {
  const { current, publicKeyPem } = device;
  if (current?.state !== 'offered' || current.policy === undefined || publicKeyPem !== undefined) return false;
  if (policyOf(current.policy).maintenance?.outside !== 'withhold') return false;
  return windowOf(device, nowMs)?.isOpen === false;
}

/** What the device is offered now. */
export function offerOf(device: KnownDevice, nowMs: number): Offer | undefined {
  const { current } = device;
  if (current?.isOffered !== true || isWithheld(device, nowMs)) return undefined;
  const kind = offerKindOf(current.state);
  if (kind === undefined || (kind === 'confirmationBase' && nowMs < current.askAfterMs)) return undefined;
  const window = kind === 'deploymentBase' ? windowOf(device, nowMs) : undefined;
  const { id: actionId, isForced } = current;
  return { kind, actionId, isForced, ...(window === undefined ? {} : { isWindowOpen: window.isOpen }) };
}

/** hawkBit asks for three polls before a window opens. */
const POLLS_BEFORE = 3;
const SLEEP_S_MIN = 30;

/** How long the device shall sleep: less when its window opens soon. */
export function sleepOf(device: KnownDevice, nowMs: number, pollIntervalS: number): number {
  const window = windowOf(device, nowMs);
  if (window === undefined || window.isOpen) return pollIntervalS;
  const share = Math.ceil((window.untilMs - nowMs) / 1000 / POLLS_BEFORE);
  return Math.min(pollIntervalS, Math.max(SLEEP_S_MIN, share));
}
