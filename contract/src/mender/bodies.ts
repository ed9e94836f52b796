/**
 * Bodies of Mender's device API as its clients send and read them (clients 3.x to 5.x and mender-mcu). Unknown members are
 * ignored: clients of every age send more than is looked at here.
 */
import { z } from 'zod';

const IDENTITY_CHARS_MAX = 4096;
const PEM_CHARS_MAX = 8192;
const NAME_CHARS_MAX = 256;
const ATTRIBUTES_MAX = 1000;
const LOG_LINES_MAX = 20_000;

/** `id_data` is a JSON object as text; `tenant_token` may be a one-time claim or the name of a tenant. */
export const menderAuthRequest = z.object({
  id_data: z.string().min(2).max(IDENTITY_CHARS_MAX),
  pubkey: z.string().min(1).max(PEM_CHARS_MAX),
  tenant_token: z.string().max(4096).nullish(),
});
export type MenderAuthRequest = z.infer<typeof menderAuthRequest>;

/** What runs on the device; the other members are names and versions of parts of it. */
export const menderProvides = z.object({
  artifact_name: z.string().max(NAME_CHARS_MAX).optional(),
  device_type: z.string().max(NAME_CHARS_MAX).optional(),
});
export type MenderProvides = z.infer<typeof menderProvides>;

export const menderNextRequest = z.object({ device_provides: menderProvides });

export const menderDeployment = z.object({
  id: z.string(),
  artifact: z.object({
    artifact_name: z.string(),
    source: z.object({ uri: z.url(), expire: z.iso.datetime() }),
    device_types_compatible: z.array(z.string()),
  }),
});
export type MenderDeployment = z.infer<typeof menderDeployment>;

/** Words that this version does not know are kept as messages: a newer client may have more of them. */
export const menderStatus = z.object({
  status: z.string().regex(/^[a-z][a-z_-]{0,63}$/),
  substate: z.string().max(4096).nullish(),
});
export type MenderStatus = z.infer<typeof menderStatus>;

export const menderLog = z.object({
  messages: z
    .array(z.object({ timestamp: z.string().max(64), level: z.string().max(32), message: z.string() }))
    .max(LOG_LINES_MAX),
});
export type MenderLog = z.infer<typeof menderLog>;

const scalar = z.union([z.string(), z.number(), z.boolean()]);

export const menderInventory = z
  .array(z.object({ name: z.string().min(1), value: z.union([scalar, z.array(scalar)]) }))
  .max(ATTRIBUTES_MAX);
export type MenderInventory = z.infer<typeof menderInventory>;

/** Every refusal: the clients read `error`, people read `code` too. */
export type MenderError = { readonly error: string; readonly code: string };
