/** Which devices a market is, for products whose gate holds rollouts, and who let a rollout pass all the same. */
import type { Migration } from './migration.ts';

export const MARKET_GATES: Migration = (words) => `
  CREATE TABLE market_gate (
    tenant_id ${words.integer} NOT NULL REFERENCES tenant, product TEXT NOT NULL, market TEXT NOT NULL, filter TEXT NOT NULL,
    PRIMARY KEY (tenant_id, product, market)
  )${words.keyedTable};
  CREATE TABLE market_pass (
    rollout_id ${words.integer} NOT NULL REFERENCES rollout, market TEXT NOT NULL, passed_by TEXT NOT NULL,
    passed_ms ${words.integer} NOT NULL, PRIMARY KEY (rollout_id, market)
  )${words.keyedTable};
`;
