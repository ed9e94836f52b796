/** Devices on their way to another tenant. */
import { z } from 'zod';
import { controllerId, lineName, numericId, time } from './names.ts';

export const newDeviceOffer = z.strictObject({
  controllerIds: z.array(controllerId).min(1).max(500),
  validForS: z.number().int().min(60).max(2_592_000).optional(),
});
export type NewDeviceOffer = z.infer<typeof newDeviceOffer>;

/** The code is shown once; whoever has it and may write devices in another tenant takes the devices there. */
export const deviceOffer = z.strictObject({
  id: numericId,
  code: z.string(),
  devices: z.number().int().positive(),
  expiresAt: time,
});
export type DeviceOffer = z.infer<typeof deviceOffer>;

export const deviceTaking = z.strictObject({
  code: z.string().min(1).max(256),
  /** The product line of the new tenant; tags and what operators wrote do not come along. */
  line: lineName.optional(),
});

export const takenDevices = z.strictObject({ from: z.string(), controllerIds: z.array(controllerId) });
export type TakenDevices = z.infer<typeof takenDevices>;
