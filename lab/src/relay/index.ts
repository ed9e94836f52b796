/** A relay that lies: loopback HTTP proxy with switchable attacks, for the demo and for attack tests. */
export { type Attack, HARMLESS, parseSetting, type RelaySetting } from './attack.ts';
export { type Relay, startRelay } from './relay.ts';
