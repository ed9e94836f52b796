/** Certificate authorities whose devices come in by themselves. */
import { z } from 'zod';
import { lineName, name, numericId, sha256Hex, tag, time } from './names.ts';

/** As in `kettle-*`: `*` stands for any characters. */
const namePattern = z.string().regex(/^[A-Za-z0-9._:*-]{1,128}$/);
/** Hexadecimal, as `openssl x509 -serial` prints it, with colons or without. */
export const serialNumber = z.string().regex(/^[0-9A-Fa-f]{1,2}(:?[0-9A-Fa-f]{1,2}){0,31}$/);
const kind = z.enum(['pawl', 'foreign']);

export const newAuthority = z.strictObject({
  name,
  /** The certificate of who issues device certificates directly. */
  certificatePem: z.string().min(1).max(16_384),
  namePattern,
  model: name,
  line: lineName.optional(),
  tags: z.array(tag).max(32).optional(),
  /** What runs on its devices: Pawl's agent, which signs its reports, or a foreign client. */
  kind: kind.optional(),
});
export type NewAuthority = z.infer<typeof newAuthority>;

export const deviceAuthority = z.strictObject({
  id: numericId,
  name,
  certificatePem: z.string(),
  fingerprint: sha256Hex,
  namePattern,
  kind,
  model: name,
  line: lineName.nullable(),
  tags: z.array(tag),
  /** That came in by it. */
  devices: z.number().int().nonnegative(),
  /** The first thousand. */
  barredSerials: z.array(z.string()),
  createdAt: time,
});
export type DeviceAuthority = z.infer<typeof deviceAuthority>;
