/** The mission, item by item: features, where in Pawl, which test shows it, how far it is. */
export { loadMission, type Mission, type MissionRow } from './mission.ts';
