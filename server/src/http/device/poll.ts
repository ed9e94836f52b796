import { noteOwnPolicy } from '../../acts/device-policy.ts';
import { settleRollouts } from '../../acts/engine.ts';
import { noteProof } from '../../acts/member.ts';
import { noteVersionSeen } from '../../store/assignments.ts';
import { getDeviceById, updateDevice } from '../../store/devices.ts';
import { EMPTY } from './answer.ts';
import { mergeAttributes } from './attributes.ts';
import { pollDocument } from './documents.ts';
import { offerOf, sleepOf } from './offer.ts';
import type { Handler } from './request.ts';

/** Everything it needs was read when the device was named; nothing is written but at the first poll. */
export const poll: Handler<'poll'> = async ({ device, links }, ports) => {
  const nowMs = ports.now().getTime();
  ports.noteSeen(device.id, nowMs);
  // The first poll proves that the token arrived: from now on the claim is dead (see `enrol`).
  if (!device.isHeard) await ports.database.write((trx) => updateDevice(trx, device.id, { is_heard: 1 }));
  const document = pollDocument(
    {
      offer: offerOf(device, nowMs),
      installedActionId: device.installedAssignmentId,
      isAttributesWanted: device.isAttributesWanted,
      hasKey: device.publicKeyPem !== undefined,
      isAttestationWanted: device.attestAssignmentId !== undefined,
      sleepS: sleepOf(device, nowMs, ports.pollIntervalS),
    },
    links,
  );
  return { kind: 'document', document };
};

/** The attribute in which a device shows what it runs. */
const VERSION_ATTRIBUTE = 'version';

/** The attributes are written before the answer: the next poll on this connection must not ask for them again. */
export const putConfigData: Handler<'putConfigData'> = async ({ device, body }, ports) => {
  const rolloutIds = await ports.database.write(async (trx) => {
    const row = await getDeviceById(trx, device.id);
    const attributes = mergeAttributes(JSON.parse(row.attributes) as Record<string, string>, body);
    await updateDevice(trx, device.id, { attributes: JSON.stringify(attributes), wants_attributes: 0 });
    // Only what this very request says: a version that was kept from before the update proves nothing.
    const version = body.mode === 'remove' ? undefined : body.data[VERSION_ATTRIBUTE];
    const moved = body.mode === 'remove' ? [] : await noteOwnPolicy(trx, ports, row, body.data);
    if (typeof version !== 'string') return moved;
    const proven = await noteVersionSeen(trx, device.id, version, ports.now().getTime());
    return proven === undefined ? moved : [...moved, ...(await noteProof(trx, proven, 'version-seen'))];
  });
  await settleRollouts(ports, rolloutIds);
  return EMPTY;
};
