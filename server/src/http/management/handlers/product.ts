/** Handlers of products and of how they stand. */
import { cellRow, countStates, decideGate, gateRow, remediationQueue, taskRow } from '@pawl/compliance/gap';
import { EvidenceVaultError } from '../../../acts/evidence/errors.ts';
import { recordFrozen } from '../../../acts/evidence/frozen.ts';
import { type LiveRecords, liveRecords, mustFindProduct } from '../../../acts/evidence/live.ts';
import { passGate, setGate } from '../../../acts/evidence/market-gate.ts';
import {
  decideWaiver,
  exportProduct,
  productView,
  proposeWaiver,
  putProduct,
  waiverView,
} from '../../../acts/evidence/product.ts';
import { listProducts, listProductVersions, listWaivers } from '../../../store/products.ts';
import { DONE, type Handlers, PAGE } from './handler.ts';

const standing = ({ product, version, on, ledgerSize }: LiveRecords) => ({
  product: product.product,
  name: product.name,
  version,
  on,
  ledgerSize,
});

export const PRODUCT_HANDLERS: Pick<
  Handlers,
  | 'putProduct'
  | 'listProducts'
  | 'getProduct'
  | 'exportProduct'
  | 'recordDocuments'
  | 'proposeWaiver'
  | 'listWaivers'
  | 'decideWaiver'
  | 'getGap'
  | 'getTasks'
  | 'getMarketGate'
  | 'setMarketGate'
  | 'passMarketGate'
> = {
  setMarketGate: async ({ actor, params, body }, ports) => {
    await setGate(ports, actor, params, body.filter);
    return DONE;
  },
  passMarketGate: async ({ actor, params, body }, ports) => {
    await passGate(ports, actor, params.id, body);
    return DONE;
  },
  recordDocuments: async ({ actor, params, body }, ports) => {
    await recordFrozen(ports, actor, params.product, body);
    return DONE;
  },
  putProduct: ({ actor, params, body }, ports) => putProduct(ports, actor, params.product, body),
  listProducts: async ({ actor }, { database }) => ({
    items: (await listProducts(database.read, actor.tenantId)).map(productView),
  }),
  getProduct: async ({ actor, params }, { database }) => {
    await mustFindProduct(database.read, actor.tenantId, params.product);
    return { items: (await listProductVersions(database.read, actor.tenantId, params.product)).map(productView) };
  },
  exportProduct: ({ actor, params, query }, ports) => exportProduct(ports, actor, { ...params, ...query }),
  proposeWaiver: ({ actor, params, body }, ports) => proposeWaiver(ports, actor, params.product, body),
  listWaivers: async ({ actor, params }, { database }) => {
    await mustFindProduct(database.read, actor.tenantId, params.product);
    return { items: (await listWaivers(database.read, actor.tenantId, params.product)).map(waiverView) };
  },
  decideWaiver: ({ actor, params, body }, ports) => decideWaiver(ports, actor, params.id, body),
  getGap: async ({ actor, params, query }, ports) => {
    const records = await liveRecords(ports, actor.tenantId, { ...params, on: query.on });
    const models = records.product.models.filter(({ id }) => query.model === undefined || id === query.model);
    const shown = new Set(models.map(({ id }) => id));
    return {
      ...standing(records),
      counts: models.map(({ id }) => ({ model: id, ...countStates(records.cells, id) })),
      cells: records.cells.filter(({ model }) => shown.has(model)).map((cell) => cellRow(cell, records.on)),
    };
  },
  getTasks: async ({ actor, params, query }, ports) => {
    const records = await liveRecords(ports, actor.tenantId, { ...params, on: query.on });
    const tasks = remediationQueue(records.cells, records.product, records.on);
    return { ...standing(records), tasks: tasks.slice(0, query.limit ?? PAGE).map(taskRow) };
  },
  getMarketGate: async ({ actor, params, query }, ports) => {
    const { model, market, on } = query;
    const records = await liveRecords(ports, actor.tenantId, { ...params, on });
    if (!records.product.models.some(({ id }) => id === model))
      throw new EvidenceVaultError('PRODUCT_MODEL_UNKNOWN', { model });
    const decision = decideGate(records.cells, records.product, { model, market, on: records.on });
    return { ...standing(records), ...gateRow(decision, records.on) };
  },
};
