/** A device filter after reading: a tree of conditions that two values decide, true or false; what is absent is false. */
import type { FieldRef } from './fields.ts';

/** `text` is the value without its stars; an open end matches anything. */
export type Pattern = { readonly text: string; readonly isOpenStart: boolean; readonly isOpenEnd: boolean };

export type Comparison = '<' | '<=' | '>' | '>=';

/** Seconds of each unit of a time before now. */
export const UNIT_SECONDS = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 } as const;
export type TimeUnit = keyof typeof UNIT_SECONDS;

export type FilterTime =
  | { readonly kind: 'at'; readonly ms: number }
  | { readonly kind: 'ago'; readonly amount: number; readonly unit: TimeUnit };

export type Condition =
  | { readonly kind: 'match'; readonly of: FieldRef; readonly pattern: Pattern }
  | { readonly kind: 'version'; readonly comparison: Comparison; readonly version: string }
  | { readonly kind: 'number'; readonly comparison: Comparison | ':'; readonly value: string }
  | {
      readonly kind: 'time';
      readonly field: 'lastSeen' | 'enrolled';
      readonly comparison: Comparison;
      readonly time: FilterTime;
    }
  | { readonly kind: 'has'; readonly of: FieldRef };

/** A filter without groups: what a database or a program can answer by itself. */
export type PlainFilter =
  | Condition
  | { readonly kind: 'and' | 'or'; readonly all: readonly PlainFilter[] }
  | { readonly kind: 'not'; readonly filter: PlainFilter };

/** `and` of nothing is the empty filter: every device. */
export type Filter =
  | Condition
  | { readonly kind: 'and' | 'or'; readonly all: readonly Filter[] }
  | { readonly kind: 'not'; readonly filter: Filter }
  | { readonly kind: 'group'; readonly name: string };
