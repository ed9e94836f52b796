/** Gateways: tokens that may act for the devices they name. */
import { z } from 'zod';
import { controllerId, name, numericId, sha256Hex } from './names.ts';

export const gateway = z.strictObject({
  id: numericId,
  name,
  /** Of its key; null: it has a token. */
  keyId: sha256Hex.nullable(),
  controllerIds: z.array(controllerId),
});

/** A new token, or a new key; what it had goes on for so long. */
export const gatewayRotation = z.strictObject({
  publicKeyPem: z.string().min(1).max(8192).optional(),
  overlapS: z.number().int().min(0).max(2_592_000).optional(),
});
export type GatewayRotation = z.infer<typeof gatewayRotation>;
export type Gateway = z.infer<typeof gateway>;

export const gatewayChange = z.strictObject({
  name: name.optional(),
  add: z.array(controllerId).max(1000).optional(),
  remove: z.array(controllerId).max(1000).optional(),
});
export type GatewayChange = z.infer<typeof gatewayChange>;
