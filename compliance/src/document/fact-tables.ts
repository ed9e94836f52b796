/** Tables of what the product record says, as more than one document shows them: hardware, boot chain, components, risks. */
import { aboutModel, type Model, type Risk } from '../product/index.ts';
import type { Block } from './document.ts';
import type { Records } from './records.ts';

type About = Pick<Records, 'product'>;

export function hardwareTable({ hardware }: Model): Block {
  return {
    kind: 'table',
    caption: 'Hardware',
    head: ['Revision', 'SoC', 'Core', 'TEE', 'Secure element', 'Random numbers', 'Fuses', 'Debug access'],
    rows: hardware.map((one) => [
      one.revision,
      one.soc,
      one.core,
      one.tee,
      one.secureElement,
      one.hasTrueRandom === undefined ? 'not stated' : one.hasTrueRandom ? 'in hardware' : 'no source in hardware',
      one.fuses,
      one.debug,
    ]),
    grade: 'claimed',
  };
}

export function bootChainTable({ bootChain }: Model): Block {
  if (bootChain.length === 0) {
    return {
      kind: 'gap',
      text: 'No boot chain is described.',
      wanted: ['each stage: verifier, key, algorithm, level'],
    };
  }
  return {
    kind: 'table',
    caption: 'Boot chain',
    head: ['Stage', 'Checked by', 'Key', 'Algorithm', 'Level', 'On failure'],
    rows: bootChain.map((one) => [
      one.stage,
      one.verifier,
      one.key ?? 'none',
      one.algorithm ?? 'none',
      one.level,
      one.onFailure ?? 'not stated',
    ]),
    grade: 'claimed',
  };
}

export function componentTable({ product }: About): readonly Block[] {
  const all = product.components ?? [];
  if (all.length === 0) return [];
  return [
    {
      kind: 'table',
      caption: 'Components',
      head: ['Component', 'Version', 'Supplier', 'Part of'],
      rows: all.map((one) => [
        one.name,
        one.version ?? 'not stated',
        one.supplier ?? 'not stated',
        one.partOf ?? product.name,
      ]),
      grade: 'claimed',
    },
  ];
}

export function risksOf({ product }: About, model: Model): Risk[] {
  return aboutModel(product.papers?.risks, model.id);
}

export function riskTable(records: About, model: Model): readonly Block[] {
  const all = risksOf(records, model);
  if (all.length === 0) return [];
  return [
    {
      kind: 'table',
      caption: 'Rated risks',
      head: ['Risk', 'Asset', 'Likelihood', 'Impact', 'Treatment', 'Measures', 'Residual', 'Decided'],
      rows: all.map((one) => [
        `${one.id} ${one.title}`,
        one.asset,
        one.likelihood,
        one.impact,
        one.treatment,
        one.measures,
        one.residual,
        `${one.approver}, ${one.decidedOn}`,
      ]),
      grade: 'claimed',
    },
  ];
}
