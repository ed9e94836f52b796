/** The parts that every document of a model has in common. */
import type { Model } from '../product/index.ts';
import type { Block, Document, Section } from './document.ts';
import { editionsOf, type Records } from './records.ts';

/** A document about one model. */
export function modelDocument(
  records: Records,
  model: Model,
  of: { readonly name: string; readonly title: string; readonly sections: readonly Section[] },
): Document {
  return {
    name: `${model.id}/${of.name}`,
    title: of.title,
    product: records.product.name,
    models: [model.name],
    on: records.on,
    editions: editionsOf(records),
    sections: of.sections,
  };
}

/** A document about the whole product. */
export function productDocument(
  records: Records,
  of: { readonly name: string; readonly title: string; readonly sections: readonly Section[] },
): Document {
  return {
    name: of.name,
    title: of.title,
    product: records.product.name,
    models: records.product.models.map(({ name }) => name),
    on: records.on,
    editions: editionsOf(records),
    sections: of.sections,
  };
}

export function section(
  no: string,
  title: string,
  blocks: Section['blocks'],
  answers: readonly string[] = [],
): Section {
  return { no, title, blocks, answers };
}

/** For models that the regulation is not about. */
export const OUT_OF_SCOPE: Block = {
  kind: 'note',
  text: 'The model is not sold in the EU; the regulation is not about it.',
};
