/** What a product is, version by version, and what is decided not to apply to it. Each version and each decision is a statement. */
import { createHash } from 'node:crypto';
import { lastDayOf } from '@pawl/compliance/gap';
import { addModelsCsv, type Product, parseProductRecord, parseProductYaml } from '@pawl/compliance/product';
import type { ProductRecord, WaiverRecord } from '@pawl/contract/management';
import { fromUtf8, utf8 } from '@pawl/core/bytes';
import { canonicalJson, type Statement } from '@pawl/core/evidence';
import type { Actor } from '../../domain/actor.ts';
import { tenantName } from '../../store/access.ts';
import type { Trx } from '../../store/database.ts';
import { appendStatement } from '../../store/ledger.ts';
import { findProduct, findWaiver, insertProduct, insertWaiver, updateWaiver } from '../../store/products.ts';
import type { ProductTable, WaiverTable } from '../../store/schema/index.ts';
import type { ServerPorts } from '../ports.ts';
import { EvidenceVaultError } from './errors.ts';
import { catalogues } from './library.ts';
import { mustFindProduct } from './live.ts';

const DAY_MS = 86_400_000;
const time = (ms: number): string => new Date(ms).toISOString();

/** A version of a product as the management API shows it. */
export function productView(row: ProductTable): ProductRecord {
  const { name, models } = parseProductRecord(row.record);
  const { product, line, version, sha256 } = row;
  return {
    product,
    name,
    line,
    version,
    sha256,
    models: models.map(({ id }) => id),
    recordedBy: row.recorded_by,
    recordedAt: time(row.recorded_ms),
  };
}

type Files = {
  readonly source: string;
  readonly models?: readonly { readonly name: string; readonly csv: string }[] | undefined;
};

function readProduct({ source, models = [] }: Files, name: string): Product {
  let product = parseProductYaml(source, name);
  for (const { name: file, csv } of models) product = addModelsCsv(product, csv, file);
  if (product.product !== name)
    throw new EvidenceVaultError('PRODUCT_MISNAMED', { expected: name, actual: product.product });
  return product;
}

async function stateProduct(trx: Trx, ports: ServerPorts, row: ProductTable, models: number): Promise<void> {
  await appendStatement(trx, ports.keys.ledger, {
    tenantId: row.tenant_id,
    predicateType: 'urn:pawl:product:1',
    subject: { name: `product/${row.product}`, digest: { sha256: row.sha256 } },
    predicate: {
      act: 'put',
      tenant: await tenantName(trx, row.tenant_id),
      product: row.product,
      line: row.line,
      version: row.version,
      models,
      by: row.recorded_by,
      at: time(row.recorded_ms),
    },
  });
}

/**
 * Writes a product down. What it is already makes no new version.
 * @throws ProductError PRODUCT_INVALID with the line; EvidenceVaultError PRODUCT_MISNAMED
 */
export async function putProduct(ports: ServerPorts, actor: Actor, name: string, files: Files): Promise<ProductRecord> {
  const product = readProduct(files, name);
  const record = fromUtf8(canonicalJson(JSON.parse(JSON.stringify(product)) as Statement['predicate']));
  const sha256 = createHash('sha256').update(record).digest('hex');
  const last = lastDayOf(product);
  return await ports.database.write(async (trx) => {
    const known = await findProduct(trx, actor.tenantId, name);
    if (known?.sha256 === sha256) return productView(known);
    const row = await insertProduct(trx, {
      tenant_id: actor.tenantId,
      product: name,
      line: product.line,
      version: (known?.version ?? 0) + 1,
      sha256,
      record,
      last_day_ms: last === undefined ? null : Date.parse(last) + DAY_MS,
      recorded_by: actor.id,
      recorded_ms: ports.now().getTime(),
    });
    await stateProduct(trx, ports, row, product.models.length);
    return productView(row);
  });
}

/**
 * The bytes whose digest stands in the ledger.
 * @throws EvidenceVaultError PRODUCT_UNKNOWN
 */
export async function exportProduct(
  ports: ServerPorts,
  actor: Actor,
  of: { readonly product: string; readonly version?: number | undefined },
): Promise<Uint8Array> {
  const { record } = await mustFindProduct(ports.database.read, actor.tenantId, of.product, of.version);
  return utf8(record);
}

export function waiverView(row: WaiverTable): WaiverRecord {
  const { id, product, model, requirement, reason, state, author } = row;
  return {
    id,
    product,
    model,
    requirement,
    reason,
    state,
    author,
    proposedAt: time(row.proposed_ms),
    decidedBy: row.decided_by,
    decidedReason: row.decided_reason,
    decidedAt: row.decided_ms === null ? null : time(row.decided_ms),
  };
}

type Act = { readonly act: string; readonly by: string; readonly decidedReason?: string | undefined };

async function stateWaiver(trx: Trx, ports: ServerPorts, row: WaiverTable, act: Act): Promise<void> {
  const { product, model, requirement, reason, author } = row;
  const facts = { product, model, requirement, reason };
  const { decidedReason, ...rest } = act;
  await appendStatement(trx, ports.keys.ledger, {
    tenantId: row.tenant_id,
    predicateType: 'urn:pawl:waiver:1',
    subject: {
      name: `waiver/${row.id}`,
      digest: { sha256: createHash('sha256').update(canonicalJson(facts)).digest('hex') },
    },
    predicate: {
      ...facts,
      ...rest,
      ...(decidedReason === undefined ? {} : { decidedReason }),
      waiver: row.id,
      author,
      tenant: await tenantName(trx, row.tenant_id),
      at: ports.now().toISOString(),
    },
  });
}

/**
 * Asks that a requirement is not for a model.
 * @throws EvidenceVaultError PRODUCT_UNKNOWN, WAIVER_MISPLACED
 */
export async function proposeWaiver(
  ports: ServerPorts,
  actor: Actor,
  product: string,
  asked: { readonly model: string; readonly requirement: string; readonly reason: string },
): Promise<WaiverRecord> {
  return await ports.database.write(async (trx) => {
    const { record } = await mustFindProduct(trx, actor.tenantId, product);
    const isModel = parseProductRecord(record).models.some(({ id }) => id === asked.model);
    const entry = catalogues().find(asked.requirement);
    // A watch item counts for nothing, so that there is nothing to take away.
    if (!isModel || entry === undefined || entry.isWatchItem)
      throw new EvidenceVaultError('WAIVER_MISPLACED', { model: asked.model, requirement: asked.requirement });
    const row = await insertWaiver(trx, {
      tenant_id: actor.tenantId,
      product,
      ...asked,
      author: actor.id,
      author_person_id: actor.personId ?? null,
      proposed_ms: ports.now().getTime(),
    });
    await stateWaiver(trx, ports, row, { act: 'propose', by: actor.id });
    return waiverView(row);
  });
}

const STATES = { approve: 'approved', refuse: 'refused', withdraw: 'withdrawn' } as const;

function refuseDecision(row: WaiverTable, actor: Actor, verdict: keyof typeof STATES): void {
  if (actor.personId === undefined) throw new EvidenceVaultError('WAIVER_BY_MACHINE', { id: row.id });
  const isDue = verdict === 'withdraw' ? row.state === 'approved' : row.state === 'proposed';
  if (!isDue) throw new EvidenceVaultError('WAIVER_DECIDED', { id: row.id, state: row.state });
  const isAuthor = actor.personId === row.author_person_id || actor.id === row.author;
  if (verdict === 'approve' && isAuthor) throw new EvidenceVaultError('WAIVER_BY_AUTHOR', { id: row.id });
}

/**
 * A person decides; nobody approves what they asked for themselves.
 * @throws EvidenceVaultError WAIVER_UNKNOWN, WAIVER_DECIDED, WAIVER_BY_AUTHOR, WAIVER_BY_MACHINE
 */
export async function decideWaiver(
  ports: ServerPorts,
  actor: Actor,
  id: number,
  decision: { readonly verdict: keyof typeof STATES; readonly reason?: string | undefined },
): Promise<WaiverRecord> {
  const { verdict, reason } = decision;
  return await ports.database.write(async (trx) => {
    const row = await findWaiver(trx, actor.tenantId, id);
    if (row === undefined) throw new EvidenceVaultError('WAIVER_UNKNOWN', { id });
    refuseDecision(row, actor, verdict);
    // One statement names people the same way as another: who approved is told from who asked.
    await stateWaiver(trx, ports, row, { act: verdict, by: actor.id, decidedReason: reason });
    return waiverView(
      await updateWaiver(trx, id, {
        state: STATES[verdict],
        decided_by: actor.id,
        decided_reason: reason ?? null,
        decided_ms: ports.now().getTime(),
      }),
    );
  });
}
