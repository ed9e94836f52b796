/** Laboratories, test plans pinned to an edition, and results from files with faults that name their line. */
export { TESTING_ERRORS, TestingError, type TestingErrorCode } from './errors.ts';
export { type Pinned, parseLaboratories, parseTestResults } from './files.ts';
export { plannedRequirements, scheduleTests, testedKinds } from './plan.ts';
