/** Devices, claims and gateways. */
import { z } from 'zod';
import { assignmentState } from './assignment.ts';
import { controllerId, decimal, lineName, name, sha256Hex, tag, time } from './names.ts';

export const device = z.strictObject({
  controllerId,
  model: name,
  line: lineName.nullable(),
  /** `pawl`: has a key of its own and signs its reports; `foreign`: a client that only says. */
  kind: z.enum(['pawl', 'foreign']),
  tags: z.array(tag),
  /** As the device reports them. */
  attributes: z.record(z.string(), z.string()),
  /** As operators set them; in filters they stand before those of the device. */
  operatorAttributes: z.record(z.string(), z.string()),
  /** The version that the device proved (pawl) or said (foreign) to run. */
  installedVersion: z.string().nullable(),
  floor: decimal.nullable(),
  keyId: sha256Hex.nullable(),
  state: assignmentState.nullable(),
  lastSeenAt: time.nullable(),
  enrolledAt: time.nullable(),
  isDecommissioned: z.boolean(),
});
export type Device = z.infer<typeof device>;

export const newDevice = z.strictObject({
  controllerId,
  model: name,
  line: lineName.optional(),
  tags: z.array(tag).max(32).optional(),
});
export type NewDevice = z.infer<typeof newDevice>;

export const newClaim = z.strictObject({
  controllerId,
  model: name,
  line: lineName,
  tags: z.array(tag).max(32).optional(),
  validForS: z.number().int().min(60).max(2_592_000).optional(),
});
export type NewClaim = z.infer<typeof newClaim>;

export const newGateway = z.strictObject({
  name,
  controllerIds: z.array(controllerId).min(1).max(1000),
  /** SPKI PEM: the gateway shows a certificate over this key in TLS, and has no token. */
  publicKeyPem: z.string().min(1).max(8192).optional(),
});
