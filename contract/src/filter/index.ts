/** The device filter: one language for API, CLI, console, groups and rollouts; docs/formats/device-filter.md. */
export { FILTER_ERRORS, FilterError, type FilterErrorCode } from './errors.ts';
export type { FieldRef } from './fields.ts';
export { expandGroups, groupNames } from './groups.ts';
export { type FilterFacts, isMatch, matchesFilter, timeMs } from './match.ts';
export { parseFilter } from './parse.ts';
export { printFilter } from './print.ts';
export type { Comparison, Condition, Filter, FilterTime, Pattern, PlainFilter } from './syntax.ts';
export { versionKey } from './version-key.ts';
