/**
 * Step 6: boots the new slot with a limited number of attempts, and then confirms it or goes back. No network is needed for
 * either. The journal has each attempt before the slot is switched, so one that takes the device down is counted.
 */
import { fromHex, isEqualBytes } from '@pawl/core/bytes';
import { type Device, record } from './device.ts';
import { AgentError, type AgentErrorCode } from './errors.ts';
import type { ReportFields } from './report.ts';
import { decideRecovery, type Pending, TRIAL_ATTEMPTS_MAX } from './state.ts';
import type { BootVerdict } from './trial-boot.ts';

const SHA_256 = -16;

const FAILURES: Readonly<Record<Exclude<BootVerdict, 'healthy'>, AgentErrorCode>> = {
  failed: 'AGENT_BOOT_FAILED',
  'timed-out': 'AGENT_BOOT_TIMED_OUT',
};

function fieldsOf({ assignmentId, release, slot }: Pending): Omit<ReportFields, 'state'> {
  return { assignmentId, version: release.version, release, slot };
}

async function bootSlot({ config, ports, slots }: Device, slot: Pending['slot']): Promise<BootVerdict> {
  const verdict = await ports.boot({
    command: config.boot,
    slotPath: slots.pathOf(slot),
    timeoutMs: config.bootTimeoutS * 1000,
  });
  ports.emit({ event: 'boot', slot, isHealthy: verdict === 'healthy' });
  return verdict;
}

/** The image may have been changed between staging and start, or after a cut not be what was written. */
async function isImageAsVerified({ slots }: Device, { slot, release }: Pending): Promise<boolean> {
  const { digest, sizeBytes } = await slots.digestOf(slot, SHA_256);
  return sizeBytes === release.imageSizeBytes && isEqualBytes(digest, fromHex(release.imageSha256));
}

async function confirm(device: Device, pending: Pending): Promise<void> {
  const { floor } = device.journal.state;
  const { securityCounter } = pending.release;
  const raised = BigInt(securityCounter) > BigInt(floor) ? securityCounter : floor;
  // One record: slot good and active, floor raised, release installed, and the report that says so.
  await record(device, { kind: 'confirmed' }, { ...fieldsOf(pending), state: 'confirmed', floor: raised });
}

type Ending = { readonly state: 'reverted' | 'refused'; readonly code: AgentErrorCode };

async function goBack(device: Device, pending: Pending, { state, code }: Ending): Promise<void> {
  const { activeSlot } = device.journal.state;
  const wasSwitched = (await device.slots.current()) !== activeSlot;
  if (wasSwitched) await device.slots.activate(activeSlot);
  const { assignmentId } = pending;
  const { message } = new AgentError(code);
  await record(
    device,
    { kind: 'ended', finished: { assignmentId, state, code, step: 6 } },
    { ...fieldsOf(pending), slot: activeSlot, state, code, step: 6, message },
  );
  // The former image runs again; it was confirmed once, so its verdict changes nothing.
  if (wasSwitched || pending.attempts > 0) await bootSlot(device, activeSlot);
}

/**
 * Tries what is staged, or goes on with a trial that was cut; does nothing when there is neither.
 * @throws what disk and journal throw; whatever the image does is an ending, not an error
 */
export async function runTrial(device: Device): Promise<void> {
  const recovery = decideRecovery(device.journal.state);
  if (recovery.kind === 'run') return;
  const { pending } = recovery;
  if (recovery.kind === 'give-up') {
    await goBack(device, pending, { state: 'reverted', code: 'AGENT_ATTEMPTS_EXHAUSTED' });
    return;
  }
  if (!(await isImageAsVerified(device, pending))) {
    await goBack(device, pending, { state: 'refused', code: 'AGENT_IMAGE_CHANGED' });
    return;
  }
  const attempt = pending.attempts + 1;
  const message = `attempt ${attempt} of ${TRIAL_ATTEMPTS_MAX}`;
  await record(device, { kind: 'trial', attempt }, { ...fieldsOf(pending), state: 'trial', message });
  await device.slots.activate(pending.slot);
  const verdict = await bootSlot(device, pending.slot);
  if (verdict === 'healthy') await confirm(device, pending);
  else await goBack(device, { ...pending, attempts: attempt }, { state: 'reverted', code: FAILURES[verdict] });
}

/** After a start: goes on with a trial that was cut, or makes sure that the confirmed slot is the one that boots. */
export async function recover(device: Device): Promise<void> {
  await runTrial(device);
  const { activeSlot } = device.journal.state;
  if ((await device.slots.current()) !== activeSlot) await device.slots.activate(activeSlot);
}
