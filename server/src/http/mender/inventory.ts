/**
 * Inventory as attributes: one text a name. Of lists and numbers the text is kept; names and texts are cut to what DDI
 * allows too, and what is beyond 100 attributes is left out, because the client would send the same again for ever.
 */
import type { MenderInventory } from '@pawl/contract/mender';
import { settleRollouts } from '../../acts/engine.ts';
import { noteProof } from '../../acts/member.ts';
import { findAssignment, noteVersionSeen } from '../../store/assignments.ts';
import type { Trx } from '../../store/database.ts';
import { getDeviceById, updateDevice } from '../../store/devices.ts';
import { listMenderArtifacts } from '../../store/release-images.ts';
import { findRelease } from '../../store/releases.ts';
import type { DeviceTable } from '../../store/schema/index.ts';
import type { DevicePorts } from '../device/ports.ts';
import type { MenderHandler, MenderSender } from './request.ts';

const ATTRIBUTES_MAX = 100;
const CHARS_MAX = 128;
/** In which the device shows what it runs. */
const ARTIFACT_NAME = 'artifact_name';

function cut(text: string): string {
  return Array.from(text).slice(0, CHARS_MAX).join('');
}

/** The attributes of a device after an inventory; names that come later give way when there are too many. */
function inventoryAttributes(
  known: Readonly<Record<string, string>>,
  inventory: MenderInventory,
): Readonly<Record<string, string>> {
  const told = inventory.map(({ name, value }): [string, string] => [
    cut(name),
    cut(Array.isArray(value) ? value.join(', ') : String(value)),
  ]);
  const all = new Map([...Object.entries(known), ...told]);
  return Object.fromEntries([...all].slice(0, ATTRIBUTES_MAX));
}

/** The device shows the artifact of the release that it was last said to run; the rollouts that may go on by that. */
async function noteArtifactSeen(
  trx: Trx,
  device: DeviceTable,
  artifactName: string,
  nowMs: number,
): Promise<readonly number[]> {
  if (device.installed_assignment_id === null) return [];
  const assignment = await findAssignment(trx, device.installed_assignment_id);
  if (assignment === undefined) return [];
  const artifacts = await listMenderArtifacts(trx, assignment.release_id);
  if (!artifacts.some((artifact) => artifact.artifactName === artifactName)) return [];
  const release = await findRelease(trx, device.tenant_id, assignment.release_id);
  if (release === undefined) return [];
  const proven = await noteVersionSeen(trx, device.id, release.version, nowMs);
  return proven === undefined ? [] : await noteProof(trx, proven, 'version-seen');
}

async function saveInventory(
  sender: MenderSender,
  inventory: MenderInventory,
  isWhole: boolean,
  ports: DevicePorts,
): Promise<void> {
  const nowMs = ports.now().getTime();
  const rolloutIds = await ports.database.write(async (trx) => {
    const device = await getDeviceById(trx, sender.device.id);
    const known = isWhole ? {} : (JSON.parse(device.attributes) as Record<string, string>);
    const attributes = inventoryAttributes(known, inventory);
    await updateDevice(trx, device.id, { attributes: JSON.stringify(attributes), wants_attributes: 0 });
    // Only what this very request says: a name that was kept from before the update proves nothing.
    const shown = inventory.find(({ name }) => name === ARTIFACT_NAME)?.value;
    return typeof shown === 'string' ? await noteArtifactSeen(trx, device, shown, nowMs) : [];
  });
  await settleRollouts(ports, rolloutIds);
}

const DONE = { kind: 'empty', status: 200 } as const;

export const putInventory: MenderHandler<'putInventory'> = async ({ sender, body }, ports) => {
  await saveInventory(sender, body, true, ports);
  return DONE;
};

export const patchInventory: MenderHandler<'patchInventory'> = async ({ sender, body }, ports) => {
  await saveInventory(sender, body, false, ports);
  return DONE;
};
