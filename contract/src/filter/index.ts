/** The device filter grammar, shared by API, CLI and rollouts. */
export { FILTER_ERRORS, FilterError, type FilterErrorCode } from './errors.ts';
export { type FilterField, type FilterTerm, isMatch, parseFilter } from './filter.ts';
