/** What operators write of a device, one at a time, by filter or by file; and what the server has written of it. */
import { z } from 'zod';
import { controllerId, lineName, name, numericId, releaseVersion, tag, time } from './names.ts';

const tags = z.array(tag).max(32);
/** Names as devices may give their attributes too, so that one can stand before the other. */
const attributeName = z.string().min(1).max(32);
const attributeValue = z.string().max(128);
const ATTRIBUTES_MAX = 100;

/** Only what is named changes. An attribute that is null is taken away. */
export const deviceChange = z.strictObject({
  model: name.optional(),
  line: lineName.nullable().optional(),
  tags: tags.optional(),
  attributes: z
    .record(attributeName, attributeValue.nullable())
    .refine((all) => Object.keys(all).length <= ATTRIBUTES_MAX, `at most ${ATTRIBUTES_MAX} attributes`)
    .optional(),
});
export type DeviceChange = z.infer<typeof deviceChange>;

export const tagChange = z
  .strictObject({ filter: z.string().max(1024), add: tags.optional(), remove: tags.optional() })
  .refine(({ add = [], remove = [] }) => add.length + remove.length > 0, 'a tag to add or to remove')
  .refine(({ add = [], remove = [] }) => !add.some((one) => remove.includes(one)), 'no tag both added and removed');

export const importedDevice = z.strictObject({
  controllerId,
  model: name,
  line: lineName.nullable().optional(),
  tags: tags.optional(),
  attributes: z
    .record(attributeName, attributeValue)
    .refine((all) => Object.keys(all).length <= ATTRIBUTES_MAX, `at most ${ATTRIBUTES_MAX} attributes`)
    .optional(),
});
export type ImportedDevice = z.infer<typeof importedDevice>;

/** All of it is written or, when a row cannot be, none. */
export const deviceImport = z.strictObject({
  added: z.number().int().nonnegative(),
  changed: z.number().int().nonnegative(),
  same: z.number().int().nonnegative(),
  /** Of those added, each shown once; none on a dry run. */
  tokens: z.array(z.strictObject({ controllerId, token: z.string() })),
  errors: z.array(z.strictObject({ index: z.number().int().nonnegative(), code: z.string(), message: z.string() })),
});
export type DeviceImport = z.infer<typeof deviceImport>;

/** Something that was said about an assignment of the device. */
export const deviceLogEntry = z.strictObject({
  at: time,
  assignmentId: numericId,
  line: lineName,
  version: releaseVersion,
  status: z.string(),
  messages: z.array(z.string()),
});
export type DeviceLogEntry = z.infer<typeof deviceLogEntry>;
