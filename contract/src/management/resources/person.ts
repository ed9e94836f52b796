/** People: who they are to the server, and what they may do. */
import { z } from 'zod';
import { PERMISSIONS, ROLES } from '../permissions.ts';
import { lineName, name, numericId, time } from './names.ts';

export const roles = z
  .array(z.enum(ROLES))
  .max(ROLES.length)
  .refine((list) => new Set(list).size === list.length, { error: 'each role once' });

/** Only to tell people apart: nobody is found or let in by it. */
const email = z.email().max(254);

export const person = z.strictObject({
  id: numericId,
  name,
  email: email.nullable(),
  roles,
  state: z.enum(['active', 'disabled']),
  createdAt: time,
});
export type Person = z.infer<typeof person>;

export const newPerson = z.strictObject({
  name,
  email: email.optional(),
  roles,
  /** How long the invitation is good. */
  validForS: z.number().int().min(60).max(2_592_000).optional(),
});
export type NewPerson = z.infer<typeof newPerson>;

/** A one-time claim for a person: opens the sign-in page (`/#claim=…`) or `pawl login` once. Shown once. */
export const invitation = z.strictObject({ person, claim: z.string(), expiresAt: time });
export type Invitation = z.infer<typeof invitation>;

/** Whoever asks, as the server sees it. */
export const me = z.strictObject({
  /** `person/<id>` or `token/<id>`. */
  id: z.string(),
  label: z.string(),
  person: person.nullable(),
  permissions: z.array(z.enum(PERMISSIONS)),
  lines: z.array(lineName).nullable(),
});
