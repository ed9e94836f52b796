/**
 * The device side, as others start it: provision a state folder, enrol it, run the agent on it, look at it.
 * Only here and in clock.ts the machine's own clock, disk and processes are taken; everything else gets them.
 */

export type { AgentConfig, ConsentPolicy, TlsFiles } from './config.ts';
export { answerConsent, OPT_OUTS, setOptOut } from './consent.ts';
export { type Enrolled, type EnrolOptions, enrolAgent } from './enrol.ts';
export { AGENT_ERRORS, AgentError, type AgentErrorCode } from './errors.ts';
export type { AgentEvent } from './events.ts';
export { type Introduced, type IntroduceOptions, introduceAgent } from './introduce.ts';
export { type AgentPorts, systemPorts } from './ports.ts';
export { type ProvisionOptions, provisionAgent } from './provision.ts';
export { type RunOptions, runAgent } from './run.ts';
export { type AgentStatus, readAgentStatus } from './status.ts';
