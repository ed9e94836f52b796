/** Tenants: organisations that share a server and see nothing of each other. */
import { z } from 'zod';

/** Words that stand first in addresses of the server itself. */
const RESERVED: ReadonlySet<string> = new Set(['api', 'assets', 'health', 'login', 'metrics', 'ui', 'well-known']);

export const tenantName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/)
  .refine((name) => !RESERVED.has(name), 'a name that the server does not use itself');
export const tenant = z.strictObject({ name: z.string(), isFirst: z.boolean() });
export type Tenant = z.infer<typeof tenant>;
