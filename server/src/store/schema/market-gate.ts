/** Tables of market gates. */
export type MarketGateSchema = {
  market_gate: { tenant_id: number; product: string; market: string; filter: string };
  market_pass: { rollout_id: number; market: string; passed_by: string; passed_ms: number };
};
