/** The gap matrix: what is met, what is not, what to do first, and what holds a market back. */
export { decideGate, type GateDecision } from './gate.ts';
export { decideIcs, type IcsDecision } from './ics.ts';
export {
  type Cell,
  type CellState,
  countStates,
  gapMatrix,
  isFor,
  type KindCell,
  type MatrixInput,
  type Waiver,
} from './matrix.ts';
export { isHardToChange, remediationQueue, type Task } from './queue.ts';
export {
  type CellRow,
  cellRow,
  type GateRow,
  gateRow,
  lastDayOf,
  type ProofRow,
  type TaskRow,
  taskRow,
} from './view.ts';
export { waiversOfEntries } from './waivers.ts';
