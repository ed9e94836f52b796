/**
 * A product line as its manufacturer describes it: models, their hardware, markets, boot chain, update path, brands and
 * support. All of it is *claimed*; what a device's own signed reports show is evidence, and stands elsewhere.
 */
import { z } from 'zod';
import { papers, strayModels } from './papers.ts';

const text = z.string().trim().min(1).max(2000);
const name = z.string().trim().min(1).max(128);
const id = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'a name of a-z, 0-9 and -');
const day = z.iso.date();

/** How sure it is that a thing is as described: `unknown` is an answer, and a gap. */
const lockState = z.enum(['locked', 'open', 'unknown', 'not-present']);

const hardware = z.strictObject({
  revision: name,
  soc: name,
  /** The core decides what can be asked of it, as `Cortex-M0`. */
  core: name,
  /** Trusted execution environment: which, or none. */
  tee: z.union([z.literal('none'), name]),
  secureElement: z.union([z.literal('none'), name]),
  hasTrueRandom: z.boolean().optional(),
  fuses: lockState,
  debug: lockState,
});

const BOOT_LEVELS = ['none', 'checksum', 'signature', 'signature-hardware-root'] as const;
const bootStage = z.strictObject({
  stage: name,
  /** What checks it before it runs. */
  verifier: name,
  key: name.optional(),
  algorithm: name.optional(),
  level: z.enum(BOOT_LEVELS),
  onFailure: text.optional(),
});
export type BootStage = z.infer<typeof bootStage>;

const UPDATE_PROTOCOLS = ['pawl', 'ddi', 'mender', 'mcumgr', 'proprietary', 'none'] as const;

const market = z.strictObject({
  market: z.string().regex(/^[A-Z]{2,3}$/, 'a market such as EU'),
  from: day,
  until: day.optional(),
});

/** Classes of the CRA: default, important (Annex III) class I and II, critical (Annex IV). */
const CRA_CLASSES = ['default', 'important-1', 'important-2', 'critical', 'out-of-scope'] as const;

const model = z.strictObject({
  id,
  name,
  /** The model of which this is a brand or OEM variant: what is shown of that one holds for this one where it is the same. */
  variantOf: id.optional(),
  brand: name.optional(),
  hardware: z.array(hardware).min(1),
  markets: z.array(market).min(1),
  radios: z.array(name),
  uses: z.array(z.enum(['consumer', 'industrial', 'machinery', 'medical'])).min(1),
  updateProtocol: z.enum(UPDATE_PROTOCOLS),
  bootChain: z.array(bootStage),
  craClass: z.enum(CRA_CLASSES),
  craClassReason: text,
  /** Security level that is aimed at (IEC 62443). */
  securityLevel: z.number().int().min(1).max(4).optional(),
  /** Kind of component (IEC 62443-4-2): which of SAR, EDR, HDR and NDR are for it. */
  componentType: z.enum(['software', 'embedded', 'host', 'network']).optional(),
  /** EN 303 645 pro forma: which features the model has, and which conditions hold. A letter that is absent is not answered. */
  features: z.record(z.string().regex(/^[a-z]{1,2}$/), z.boolean()).optional(),
  conditions: z.record(z.string().regex(/^[0-9]{1,2}$/), z.boolean()).optional(),
  /** The vendor and class of the update manifest, where they are known. */
  controllerModel: name.optional(),
});
export type Model = z.infer<typeof model>;

export const product = z
  .strictObject({
    product: id,
    name,
    line: id,
    manufacturer: z.strictObject({ name, address: text, contact: text, securityContact: text }),
    purpose: text,
    support: z.strictObject({ until: day, reasoning: text }),
    models: z.array(model).min(1),
    components: z
      .array(z.strictObject({ name, version: name.optional(), supplier: name.optional(), partOf: id.optional() }))
      .optional(),
    papers: papers.optional(),
  })
  .superRefine((value, context) => {
    const seen = new Set<string>();
    for (const [index, one] of value.models.entries()) {
      const path = ['models', index];
      if (seen.has(one.id)) context.addIssue({ code: 'custom', path: [...path, 'id'], message: 'each model once' });
      seen.add(one.id);
      const base = value.models.find(({ id: other }) => other === one.variantOf);
      if (one.variantOf !== undefined && (base === undefined || base.variantOf !== undefined || base === one)) {
        context.addIssue({
          code: 'custom',
          path: [...path, 'variantOf'],
          message: 'a model of this product that is no variant itself',
        });
      }
      for (const [at, { from, until }] of one.markets.entries()) {
        if (until !== undefined && until < from) {
          context.addIssue({ code: 'custom', path: [...path, 'markets', at, 'until'], message: `not before ${from}` });
        }
      }
    }
    const ids = new Set(value.models.map(({ id: one }) => one));
    for (const path of strayModels(value.papers, ids)) {
      context.addIssue({ code: 'custom', path: ['papers', ...path], message: 'a model of this product' });
    }
  });
export type Product = z.infer<typeof product>;

/** A product from the JSON of a record that was checked before; throws a ZodError when it is none. */
export function parseProductRecord(json: string): Product {
  return product.parse(JSON.parse(json));
}

/** Whether a model is sold in a market on a day. */
export function isSoldIn({ markets }: Model, name_: string, on: string): boolean {
  return markets.some(
    ({ market: one, from, until }) => one === name_ && from <= on && (until === undefined || on <= until),
  );
}

/** The markets of a model on a day or later: what it is, or will be, sold in. */
export function marketsFrom({ markets }: Model, on: string): string[] {
  return [...new Set(markets.filter(({ until }) => until === undefined || on <= until).map((one) => one.market))];
}

/** Whether every revision can tell a genuine image before it runs: each stage of the boot chain is checked by a signature. */
export function hasVerifiedBoot({ bootChain }: Model): boolean {
  return (
    bootChain.length > 0 && bootChain.every(({ level }) => level === 'signature' || level === 'signature-hardware-root')
  );
}

export function hasTee({ hardware: revisions }: Model): boolean {
  return revisions.every(({ tee }) => tee !== 'none');
}

export function hasUpdate({ updateProtocol }: Model): boolean {
  return updateProtocol !== 'none';
}
