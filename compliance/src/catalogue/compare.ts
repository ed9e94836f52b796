/**
 * What changed between two editions of one catalogue: entries that came, went or changed, and in which fields. A change of
 * the source's status (a draft became a standard, a standard was cited) is told apart, because it moves what counts.
 */
import type { Catalogue, Requirement } from './catalogue.ts';
import { CatalogueError } from './errors.ts';

export type EntryChange = {
  readonly id: string;
  readonly kind: 'added' | 'removed' | 'changed';
  /** Names of the fields that differ, for `changed`. */
  readonly fields: readonly string[];
  readonly before: Requirement | undefined;
  readonly after: Requirement | undefined;
  readonly isStatusChange: boolean;
};

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

function changedFields(before: Requirement, after: Requirement): string[] {
  const fields = new Set([...Object.keys(before), ...Object.keys(after)]);
  const valueOf = (one: Requirement, field: string): unknown => (one as Readonly<Record<string, unknown>>)[field];
  return [...fields]
    .filter((field) => canonical(valueOf(before, field)) !== canonical(valueOf(after, field)))
    .toSorted();
}

/**
 * Entries that differ, in the order of the newer edition, removed ones last.
 * @throws CatalogueError CATALOGUE_UNLIKE
 */
export function compareEditions(before: Catalogue, after: Catalogue): EntryChange[] {
  if (before.catalogue !== after.catalogue) {
    throw new CatalogueError('CATALOGUE_UNLIKE', { expected: before.catalogue, actual: after.catalogue });
  }
  const old = new Map(before.requirements.map((one) => [one.id, one]));
  const kept = new Set(after.requirements.map(({ id }) => id));
  const changes = after.requirements.flatMap((now): EntryChange[] => {
    const was = old.get(now.id);
    if (was === undefined)
      return [{ id: now.id, kind: 'added', fields: [], before: undefined, after: now, isStatusChange: false }];
    const fields = changedFields(was, now);
    if (fields.length === 0) return [];
    const isStatusChange = was.source.status !== now.source.status;
    return [{ id: now.id, kind: 'changed', fields, before: was, after: now, isStatusChange }];
  });
  const removed = before.requirements
    .filter(({ id }) => !kept.has(id))
    .map(
      (was): EntryChange => ({
        id: was.id,
        kind: 'removed',
        fields: [],
        before: was,
        after: undefined,
        isStatusChange: false,
      }),
    );
  return [...changes, ...removed];
}
