/**
 * How long the artifacts of a release are kept. Regulation (EU) 2024/2847 (CRA), Article 13(9): a security update stays
 * available for ten years after it was issued, or for the rest of the support period when that is longer. We do not tell
 * security updates apart here, count from the last assignment when that is later, and keep what a device runs or may still
 * be offered for as long as that is so.
 *
 * Evidence is kept as long as technical documentation has to be (Articles 13(13) and 31(3)): ten years, here from the last of
 * the day it was taken in, the day until which it counts, and the end of sale and support of its product, whether it was replaced or withdrawn meanwhile.
 * Entries of the ledger have no end: nothing deletes one.
 */

const DAY_MS = 86_400_000;

export type RetentionRules = {
  /** For published releases. */
  readonly keepDays: number;
  /** A draft that nobody has worked on for so long is given up; nothing worked on since then is touched, published or not. */
  readonly abandonedDays: number;
  /** Between the day an object is found to be needed by nobody and its end. */
  readonly graceDays: number;
};

/** Ten years have three leap days at most. */
export const RETENTION: RetentionRules = { keepDays: 3653, abandonedDays: 30, graceDays: 7 };

export type ReleaseDates = {
  readonly state: 'draft' | 'published';
  readonly publishedMs: number | null;
  /** Made, or the last upload begun or ended. */
  readonly changedMs: number;
};

export type ReleaseUse = {
  readonly lastAssignedMs: number | null;
  /** A rollout of it is not over. */
  readonly isPlanned: boolean;
  readonly isAssigned: boolean;
  /** A device that is not decommissioned runs it. */
  readonly isInstalled: boolean;
};

/** Kept for its dates alone; `look` says whether its use must be looked at to tell. */
export function keptByDates(dates: ReleaseDates, nowMs: number, rules: RetentionRules): 'keep' | 'look' | 'drop' {
  if (dates.changedMs > nowMs - rules.abandonedDays * DAY_MS) return 'keep';
  if (dates.state === 'draft') return 'drop';
  const isYoung = dates.publishedMs === null || dates.publishedMs > nowMs - rules.keepDays * DAY_MS;
  return isYoung ? 'keep' : 'look';
}

/** Whether devices may still ask for a published release that is old. */
export function isKeptByUse(use: ReleaseUse, nowMs: number, rules: RetentionRules): boolean {
  if (use.isPlanned || use.isAssigned || use.isInstalled) return true;
  return use.lastAssignedMs !== null && use.lastAssignedMs > nowMs - rules.keepDays * DAY_MS;
}

/** Objects found to be needed by nobody before this time may go. */
export function graceEnd(nowMs: number, rules: RetentionRules): number {
  return nowMs - rules.graceDays * DAY_MS;
}

export type EvidenceDates = {
  readonly recordedMs: number;
  readonly validUntilMs: number | null;
  /** When its product is sold and supported no more; null: there is no end, undefined: no such product was written down. */
  readonly productEndMs?: number | null | undefined;
};

/** The time until which the file of a document is kept at least. */
export function evidenceKeptUntil(dates: EvidenceDates, rules: RetentionRules): number {
  const { recordedMs, validUntilMs, productEndMs } = dates;
  if (productEndMs === null) return Number.POSITIVE_INFINITY;
  return Math.max(recordedMs, validUntilMs ?? recordedMs, productEndMs ?? recordedMs) + rules.keepDays * DAY_MS;
}

/** Whether a file is kept: uploaded lately and not added yet, or evidence of which the time is not over. */
export function isEvidenceKept(
  object: { readonly filesChangedMs: readonly number[]; readonly evidence: readonly EvidenceDates[] },
  nowMs: number,
  rules: RetentionRules,
): boolean {
  return (
    object.filesChangedMs.some((changedMs) => changedMs > nowMs - rules.abandonedDays * DAY_MS) ||
    object.evidence.some((one) => evidenceKeptUntil(one, rules) > nowMs)
  );
}
