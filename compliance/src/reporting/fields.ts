/**
 * The form of the reporting platform, as data: fields in its order, and what each stage asks of them. The glossary of the
 * platform changes without notice, so the field set carries the day on which it was retrieved.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { ReportingError } from './errors.ts';

/**
 * `R` required, `A` required if the information is available, `O` optional, `C` carried forward (may be updated), `-` not
 * at this stage, `?` not known.
 */
const need = z.enum(['R', 'A', 'O', 'C', '-', '?']);
export type FieldNeed = z.infer<typeof need>;

const field = z.strictObject({
  no: z.string().regex(/^[vi]?[0-9]+a?$/),
  key: z.string().min(1),
  earlyWarning: need,
  notification: need,
  finalReport: need,
  format: z.string().min(1),
});
export type PlatformField = z.infer<typeof field>;

const form = z.object({
  meta: z.object({
    catalogDate: z.iso.date(),
    source: z.string(),
    platform: z.object({ fieldSpecVersion: z.string() }),
  }),
  fields: z.array(field).min(1),
  routing: z.array(z.string()),
  triggers: z.record(z.string(), z.string()),
});
export type PlatformForm = z.infer<typeof form>;

/**
 * Reads the form from JSON text.
 * @throws ReportingError REPORTING_FIELD_INVALID
 */
export function parsePlatformForm(json: string): PlatformForm {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new ReportingError('REPORTING_FIELD_INVALID', { expected: 'JSON' }, cause);
  }
  const result = form.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new ReportingError('REPORTING_FIELD_INVALID', {
    at: issue?.path.map(String).join('.') ?? '',
    expected: issue?.message ?? 'a form',
  });
}

/** The form that comes with the product. */
export function loadPlatformForm(): PlatformForm {
  return parsePlatformForm(readFileSync(new URL('../../data/cra-reporting.json', import.meta.url), 'utf8'));
}
