/**
 * The dossier of one stage: every field of the platform's form in its order, filled from the case or shown as missing, so
 * that a person can copy it over field by field. Nothing is sent from here.
 */
import { STAGES, type Stage, type Track } from './clocks.ts';
import { ReportingError } from './errors.ts';
import type { FieldNeed, PlatformField, PlatformForm } from './fields.ts';

/** Values by field number, as text. */
export type FieldValues = Readonly<Record<string, string>>;

export type DossierRow = {
  readonly no: string;
  readonly key: string;
  readonly need: FieldNeed;
  readonly format: string;
  readonly value: string | undefined;
  /** Required at this stage, and not there. */
  readonly isMissing: boolean;
};

export type Dossier = {
  readonly track: Track;
  readonly stage: Stage;
  /** The edition of the form. */
  readonly formVersion: string;
  readonly isDrill: boolean;
  readonly rows: readonly DossierRow[];
  /** Numbers of the fields that the platform would refuse the form without. */
  readonly missing: readonly string[];
};

const NEED_AT: Readonly<Record<Stage, 'earlyWarning' | 'notification' | 'finalReport'>> = {
  'early-warning': 'earlyWarning',
  notification: 'notification',
  'final-report': 'finalReport',
};

/** `v…` fields are those of vulnerabilities, `i…` those of incidents; a bare number is for both. */
function isOfTrack({ no }: PlatformField, track: Track): boolean {
  if (no.startsWith('v')) return track === 'actively-exploited-vulnerability';
  if (no.startsWith('i')) return track === 'severe-incident';
  return true;
}

const UTC_INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?Z$/;
const CHARS = /^text<=([0-9]+)$/;
const CHOICE = /^enum (.+\|.+)$/;

/** What is wrong with a value; undefined when nothing is. */
function faultOf(format: string, value: string): string | undefined {
  const most = CHARS.exec(format)?.[1];
  if (most !== undefined && [...new Intl.Segmenter().segment(value)].length > Number(most))
    return `at most ${most} characters`;
  if (format === 'datetime UTC' && (!UTC_INSTANT.test(value) || Number.isNaN(Date.parse(value))))
    return 'an instant in UTC, as 2026-09-11T08:00:00Z';
  const choices = CHOICE.exec(format)?.[1]?.split('|');
  if (choices !== undefined && !choices.includes(value)) return choices.join(' or ');
  return undefined;
}

/** Required at an earlier stage or at this one: the platform carries it on, so it must have been given. */
function isRequired(field: PlatformField, stage: Stage): boolean {
  const until = STAGES.slice(0, STAGES.indexOf(stage) + 1);
  return until.some((one) => field[NEED_AT[one]] === 'R');
}

/**
 * Builds the dossier of a stage from values by field number.
 * @throws ReportingError REPORTING_FIELD_INVALID for a value that is of no field, of another track, or not of its form
 */
export function buildDossier(
  form: PlatformForm,
  of: { readonly track: Track; readonly stage: Stage; readonly isDrill: boolean },
  values: FieldValues,
): Dossier {
  const fields = form.fields.filter((field) => isOfTrack(field, of.track));
  const known = new Set(fields.map(({ no }) => no));
  const stray = Object.keys(values).find((no) => !known.has(no));
  if (stray !== undefined) {
    throw new ReportingError('REPORTING_FIELD_INVALID', { at: stray, expected: `a field of ${of.track}` });
  }
  const rows = fields.map((field): DossierRow => {
    const value = values[field.no]?.trim();
    const isGiven = value !== undefined && value !== '';
    const fault = isGiven ? faultOf(field.format, value) : undefined;
    if (fault !== undefined)
      throw new ReportingError('REPORTING_FIELD_INVALID', { at: `${field.no} ${field.key}`, expected: fault });
    return {
      no: field.no,
      key: field.key,
      need: field[NEED_AT[of.stage]],
      format: field.format,
      value: isGiven ? value : undefined,
      isMissing: !isGiven && isRequired(field, of.stage),
    };
  });
  const missing = rows.filter(({ isMissing }) => isMissing).map(({ no }) => no);
  return { ...of, formVersion: form.meta.platform.fieldSpecVersion, rows, missing };
}

/**
 * Refuses a dossier that the platform would refuse.
 * @throws ReportingError REPORTING_INCOMPLETE
 */
export function assertComplete({ missing }: Dossier): void {
  if (missing.length > 0) throw new ReportingError('REPORTING_INCOMPLETE', { missing: missing.join(', ') });
}
