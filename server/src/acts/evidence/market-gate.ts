/**
 * Market gates: a product says which devices a market is, by a filter; a rollout to such devices starts only when the records
 * do not hold their models back (compliance, `decideGate`). A release of security fixes only is never held: what is in the
 * field gets its fixes whatever the papers say (Regulation (EU) 2024/2847, Annex I Part II). A rollout that is held does
 * not start; of a dynamic one that runs, devices that are held do not join until the records show what was missing.
 */
import { createHash } from 'node:crypto';
import { decideGate } from '@pawl/compliance/gap';
import { type Expression, type SqlBool, sql } from 'kysely';
import type { Actor } from '../../domain/actor.ts';
import { tenantName } from '../../store/access.ts';
import type { Database, Db, Trx } from '../../store/database.ts';
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

/** A gate that a rollout has to pass, and its devices. */
type OpenGate = GateOf & { readonly filter: string; readonly condition: Expression<SqlBool> };

/** The gates that are in the way of a rollout: none for a release of security fixes. */
async function gatesBefore(ports: ServerPorts, row: RolloutTable): Promise<OpenGate[]> {
  const { read } = ports.database;
  const release = await releaseOf(read, row);
  if (release.urgency === 'security') return [];
  const { id, tenant_id: tenantId } = row;
  const passes = await passesOf(read, id);
  const gates: OpenGate[] = [];
  for (const { product, line } of await listProducts(read, tenantId)) {
    if (line !== release.line) continue;
    for (const { market, filter } of await listGates(read, tenantId, product)) {
      if (passes.has(market)) continue;
      const condition = await deviceCondition(read, { tenantId, filter, nowMs: ports.now().getTime() });
      gates.push({ product, market, filter, condition });
    }
  }
  return gates;
}

type Holding = { readonly model: string; readonly missing: string };

/** The models of a product that a market is held for, by the names that devices have, each with what is missing. */
async function heldModels(ports: ServerPorts, tenantId: number, of: GateOf): Promise<Map<string, Holding>> {
  const { product, cells, on } = await liveRecords(ports, tenantId, of);
  const held = new Map<string, Holding>();
  for (const { id: model, controllerModel } of product.models) {
    const { holding } = decideGate(cells, product, { model, market: of.market, on });
    const [first] = holding;
    if (first === undefined) continue;
    const missing = `${first.entry.reference}${holding.length > 1 ? ` and ${holding.length - 1} more` : ''}`;
    held.set(controllerModel ?? model, { model, missing });
  }
  return held;
}

/**
 * Refuses to start a rollout that a gate holds.
 * @throws EvidenceVaultError MARKET_GATE_HELD naming what is missing
 */
export async function refuseHeldMarkets(ports: ServerPorts, tenantId: number, rolloutId: number): Promise<void> {
  const { read } = ports.database;
  const row = await findRollout(read, tenantId, rolloutId);
  if (row === undefined) return;
  for (const { product, market, condition } of await gatesBefore(ports, row)) {
    const of = { product, market };
    const models = await modelsOfRollout(read, rolloutId, condition);
    if (models.length === 0) continue;
    const held = await heldModels(ports, tenantId, of);
    const found = models.map((model) => held.get(model)).find((one) => one !== undefined);
    if (found !== undefined)
      throw new EvidenceVaultError('MARKET_GATE_HELD', { product, model: found.model, market, missing: found.missing });
  }
}

/** Deciding takes the whole matrix; a device that joins later may wait so long for what was shown meanwhile. */
const DECIDED_FOR_MS = 60_000;
type Decided = { readonly gates: string; readonly atMs: number; readonly held: Expression<SqlBool> | undefined };
const DECIDED = new WeakMap<Database, Map<number, Decided>>();

/** The devices that may not join a rollout that runs; undefined when nothing is held. */
export async function heldDevices(ports: ServerPorts, row: RolloutTable): Promise<Expression<SqlBool> | undefined> {
  const gates = await gatesBefore(ports, row);
  if (gates.length === 0) return undefined;
  const decided = DECIDED.get(ports.database) ?? new Map<number, Decided>();
  DECIDED.set(ports.database, decided);
  const atMs = ports.now().getTime();
  const known = decided.get(row.id);
  const names = JSON.stringify(gates.map(({ product, market, filter }) => [product, market, filter]));
  if (known?.gates === names && Math.abs(atMs - known.atMs) < DECIDED_FOR_MS) return known.held;
  const held: Expression<SqlBool>[] = [];
  for (const { product, market, condition } of gates) {
    const models = [...(await heldModels(ports, row.tenant_id, { product, market })).keys()];
    if (models.length > 0) held.push(sql<SqlBool>`(${condition} and device.model in (${sql.join(models)}))`);
  }
  const one = held.length === 0 ? undefined : sql<SqlBool>`(${sql.join(held, sql` or `)})`;
  decided.set(row.id, { gates: names, atMs, held: one });
  return one;
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
