/** Simulated fleets: thousands to a million light DDI devices out of one process. */
export { BEHAVIOURS, type Behaviour, type Mix, parseMix } from './behaviour.ts';
export {
  CredentialsError,
  type Registration,
  readCredentials,
  registerFleet,
  writeCredentials,
} from './credentials.ts';
export { type FleetOptions, runFleet } from './fleet.ts';
export { Roster } from './roster.ts';
export type { FinalWord, FleetSummary } from './tally.ts';
