/**
 * Request bodies of hawkBit's device API (DDI v1), as its clients send them.
 *
 * Unknown members are ignored everywhere, and `id`, `time` and `timestamp` may be of any type and are never looked at:
 * clients differ (a number, a string, an empty string, an ISO date). Limits are hawkBit's own quotas.
 */
import { z } from 'zod';

export const EXECUTIONS = [
  'closed',
  'proceeding',
  'canceled',
  'scheduled',
  'rejected',
  'resumed',
  'downloaded',
  'download',
] as const;

export const FINISHED_RESULTS = ['success', 'failure', 'none'] as const;

/** hawkBit's quota: messages of one status entry. */
const DETAILS_MAX = 50;
const DETAIL_CHARS_MAX = 16_384;
const ATTRIBUTES_MAX = 100;
const ATTRIBUTE_CHARS_MAX = 128;

const int32 = z.number().int().min(-2_147_483_648).max(2_147_483_647);
const details = z.array(z.string().max(DETAIL_CHARS_MAX)).max(DETAILS_MAX).nullish();

/** Feedback on a deployment or on a cancellation. */
export const ddiFeedback = z.object({
  status: z.object({
    execution: z.enum(EXECUTIONS),
    result: z.object({
      finished: z.enum(FINISHED_RESULTS),
      progress: z.object({ cnt: int32.nullish(), of: int32.nullish() }).nullish(),
    }),
    code: int32.nullish(),
    details,
  }),
});
export type DdiFeedback = z.infer<typeof ddiFeedback>;

export const CONFIG_MODES = ['merge', 'replace', 'remove'] as const;

const attribute = z.string().max(ATTRIBUTE_CHARS_MAX);

/** The device's own attributes. With mode `remove` the values are ignored and may be null. */
export const ddiConfigData = z.object({
  mode: z.enum(CONFIG_MODES).nullish(),
  data: z
    .record(attribute.min(1), attribute.nullable())
    .refine((data) => Object.keys(data).length > 0, 'data must not be empty')
    .refine((data) => Object.keys(data).length <= ATTRIBUTES_MAX, `at most ${ATTRIBUTES_MAX} attributes`),
});
export type DdiConfigData = z.infer<typeof ddiConfigData>;

export const ddiConfirmationFeedback = z.object({
  confirmation: z.enum(['confirmed', 'denied']),
  code: int32.nullish(),
  details,
});
export type DdiConfirmationFeedback = z.infer<typeof ddiConfirmationFeedback>;

export const ddiActivateAutoConfirm = z.object({
  initiator: z.string().max(64).nullish(),
  remark: z.string().max(512).nullish(),
});
export type DdiActivateAutoConfirm = z.infer<typeof ddiActivateAutoConfirm>;

/** What the device says was installed without the server (`PUT …/installedBase`). */
export const ddiInstalledVersion = z.object({
  name: z.string().min(1).max(128),
  version: z.string().min(1).max(64),
});
export type DdiInstalledVersion = z.infer<typeof ddiInstalledVersion>;
