/** Gateways: tokens that may act for the devices they name. */
import { z } from 'zod';
import { controllerId, name, numericId } from './names.ts';

export const gateway = z.strictObject({ id: numericId, name, controllerIds: z.array(controllerId) });
export type Gateway = z.infer<typeof gateway>;

export const gatewayChange = z.strictObject({
  name: name.optional(),
  add: z.array(controllerId).max(1000).optional(),
  remove: z.array(controllerId).max(1000).optional(),
});
export type GatewayChange = z.infer<typeof gatewayChange>;
