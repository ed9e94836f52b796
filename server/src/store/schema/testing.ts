/** Tables of laboratories, test plans and results. */
import type { RecordedResult } from '@pawl/contract/management';
import type { Generated, Selectable } from 'kysely';

type DirectoryColumns = {
  id: Generated<number>;
  tenant_id: number;
  version: number;
  /** JSON: the laboratories. */
  record: string;
  recorded_by: string;
  recorded_ms: number;
};

type PlanColumns = {
  id: Generated<number>;
  tenant_id: number;
  product: string;
  /** JSON: what was planned. */
  record: string;
  made_by: string;
  made_ms: number;
};

type ResultColumns = {
  id: Generated<number>;
  test_plan_id: number;
  /** JSON: the result as it was handed in. */
  record: string;
  grade: RecordedResult['grade'];
  evidence_id: number | null;
  recorded_by: string;
  recorded_ms: number;
};

export type TestingSchema = {
  laboratory_directory: DirectoryColumns;
  test_plan: PlanColumns;
  test_result: ResultColumns;
};

export type DirectoryTable = Selectable<DirectoryColumns>;
export type TestPlanTable = Selectable<PlanColumns>;
export type TestResultTable = Selectable<ResultColumns>;
