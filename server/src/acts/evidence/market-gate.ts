/**
 * Market gates: a product says which devices a market is, by a filter; a rollout to such devices starts only when the records
 * do not hold their models back (compliance, `decideGate`). A release of security fixes only is never held: what is in the
 * field gets its fixes whatever the papers say (Regulation (EU) 2024/2847, Annex I Part II). Looked at when a rollout is
 * started; devices that join a dynamic rollout later are not looked at again.
 */
import { createHash } from 'node:crypto';
import { decideGate } from '@pawl/compliance/gap';
import type { Actor } from '../../domain/actor.ts';
import { tenantName } from '../../store/access.ts';
import type { Db, Trx } from '../../store/database.ts';
import { deviceCondition } from '../../store/device-filter.ts';
import { appendStatement } from '../../store/ledger.ts';
import { listGates, modelsOfRollout, passesOf, saveGate, savePass } from '../../store/market-gates.ts';
import { listProducts } from '../../store/products.ts';
import { findRollout } from '../../store/rollouts.ts';
import type { RolloutTable } from '../../store/schema/index.ts';
import { ServerError } from '../errors.ts';
import { PeopleError } from '../people/errors.ts';
import type { ServerPorts } from '../ports.ts';
import { releaseOf } from '../rollout-record.ts';
import { EvidenceVaultError } from './errors.ts';
import { liveRecords, mustFindProduct } from './live.ts';

type GateOf = { readonly product: string; readonly market: string };

async function state(
  trx: Trx,
  ports: ServerPorts,
  actor: Actor,
  facts: Readonly<Record<string, string | number | null>>,
) {
  const { name, ...rest } = facts;
  await appendStatement(trx, ports.keys.ledger, {
    tenantId: actor.tenantId,
    predicateType: 'urn:pawl:market-gate:1',
    subject: {
      name: String(name),
      digest: { sha256: createHash('sha256').update(JSON.stringify(rest)).digest('hex') },
    },
    predicate: {
      ...rest,
      tenant: await tenantName(trx, actor.tenantId),
      by: actor.id,
      at: ports.now().toISOString(),
    },
  });
}

/**
 * Says which devices a market is; `null`: nothing is held for it any more.
 * @throws EvidenceVaultError PRODUCT_UNKNOWN; FilterError
 */
export async function setGate(ports: ServerPorts, actor: Actor, of: GateOf, filter: string | null): Promise<void> {
  const { tenantId } = actor;
  await ports.database.write(async (trx) => {
    await mustFindProduct(trx, tenantId, of.product);
    if (filter !== null) await deviceCondition(trx, { tenantId, filter, nowMs: ports.now().getTime() });
    await saveGate(trx, { tenantId, ...of }, filter);
    await state(trx, ports, actor, { name: `product/${of.product}`, act: 'set', ...of, filter });
  });
}

async function mustFindRollout(db: Db, tenantId: number, id: number): Promise<RolloutTable> {
  const row = await findRollout(db, tenantId, id);
  if (row === undefined) throw new ServerError('ROLLOUT_UNKNOWN', { id });
  return row;
}

/** The models of a product by the names that devices have. */
async function refuseHeld(
  ports: ServerPorts,
  tenantId: number,
  of: GateOf & { readonly rolloutId: number; readonly models: readonly string[] },
): Promise<void> {
  const { product, cells, on } = await liveRecords(ports, tenantId, of);
  const named = product.models.filter((one) => of.models.includes(one.controllerModel ?? one.id));
  for (const { id: model } of named) {
    const { holding } = decideGate(cells, product, { model, market: of.market, on });
    const [first] = holding;
    if (first === undefined) continue;
    const missing = `${first.entry.reference}${holding.length > 1 ? ` and ${holding.length - 1} more` : ''}`;
    throw new EvidenceVaultError('MARKET_GATE_HELD', { product: product.product, model, market: of.market, missing });
  }
}

/**
 * Refuses to start a rollout that a gate holds.
 * @throws EvidenceVaultError MARKET_GATE_HELD naming what is missing
 */
export async function refuseHeldMarkets(ports: ServerPorts, tenantId: number, rolloutId: number): Promise<void> {
  const { read } = ports.database;
  const row = await findRollout(read, tenantId, rolloutId);
  if (row === undefined) return;
  const release = await releaseOf(read, row);
  if (release.urgency === 'security') return;
  const passes = await passesOf(read, rolloutId);
  for (const { product, line } of await listProducts(read, tenantId)) {
    if (line !== release.line) continue;
    for (const { market, filter } of await listGates(read, tenantId, product)) {
      if (passes.has(market)) continue;
      const condition = await deviceCondition(read, { tenantId, filter, nowMs: ports.now().getTime() });
      const models = await modelsOfRollout(read, rolloutId, condition);
      if (models.length > 0) await refuseHeld(ports, tenantId, { product, market, rolloutId, models });
    }
  }
}

/**
 * Lets a rollout pass the gate of a market, by a person who is not its author, with the reason.
 * @throws ServerError ROLLOUT_UNKNOWN, APPROVAL_BY_AUTHOR; PeopleError PERSON_REQUIRED
 */
export async function passGate(
  ports: ServerPorts,
  actor: Actor,
  rolloutId: number,
  pass: { readonly market: string; readonly reason: string },
): Promise<void> {
  await ports.database.write(async (trx) => {
    const row = await mustFindRollout(trx, actor.tenantId, rolloutId);
    if (actor.personId === undefined) throw new PeopleError('PERSON_REQUIRED');
    if (actor.personId === row.author_person_id) throw new ServerError('APPROVAL_BY_AUTHOR', { id: rolloutId });
    const { market, reason } = pass;
    await savePass(trx, { rollout_id: rolloutId, market, passed_by: actor.id, passed_ms: ports.now().getTime() });
    await state(trx, ports, actor, { name: `rollout/${rolloutId}`, act: 'pass', rolloutId, market, reason });
  });
}
