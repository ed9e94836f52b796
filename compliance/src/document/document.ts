/**
 * A document as data: sections of sentences, tables and gaps, before anybody decides how it looks. Every sentence carries its
 * grade and the evidence behind it; a section for which there is no record holds a gap that says what is missing. Equal
 * records give an equal document, and that gives equal bytes.
 */
import { type Evidence, type Grade, isAtLeast } from '../evidence/index.ts';

/** Where a reader finds what a sentence rests on. */
type Backing = {
  readonly id: string;
  readonly title: string;
  /** Who says it. */
  readonly issuer: string;
  readonly issuedOn: string;
  /** `origin #index`, or undefined for what has no statement behind it. */
  readonly place: string | undefined;
};

export type Sentence = { readonly text: string; readonly grade: Grade; readonly backing: readonly Backing[] };

export type Block =
  | { readonly kind: 'text'; readonly sentences: readonly Sentence[] }
  | {
      readonly kind: 'table';
      readonly caption: string;
      readonly head: readonly string[];
      readonly rows: readonly (readonly string[])[];
      /** How sure the rows are: the weakest of them. */
      readonly grade: Grade;
    }
  /** What is not there, and what would fill it. */
  | { readonly kind: 'gap'; readonly text: string; readonly wanted: readonly string[] }
  /** Words about the document itself. */
  | { readonly kind: 'note'; readonly text: string };

export type Section = {
  readonly no: string;
  readonly title: string;
  readonly blocks: readonly Block[];
  /** References of the requirements that the section answers. */
  readonly answers: readonly string[];
};

export type Document = {
  /** File name without its ending. */
  readonly name: string;
  readonly title: string;
  readonly product: string;
  readonly models: readonly string[];
  /** The day as of which it holds. */
  readonly on: string;
  /** Editions of the catalogues that it was made with. */
  readonly editions: readonly string[];
  readonly sections: readonly Section[];
};

/** Said in every document. */
export const DISCLAIMER =
  'Made from records; not legal advice. Each sentence carries its grade: claimed (somebody says so), configured (a record of the platform), tested (a signed test result), observed (signed by the device itself). Whether the product conforms is for the manufacturer, and where the law says so for a third party, to judge.';

/** `origin #index`; undefined for what has no statement behind it. */
export function placeOf({ place }: Evidence): string | undefined {
  return place === undefined ? undefined : `${place.origin} #${place.index}`;
}

function backingOf(evidence: Evidence): Backing {
  const { id, title, issuer, issuedOn } = evidence.facts;
  return { id, title, issuer, issuedOn, place: placeOf(evidence) };
}

/** A piece behind a sentence, in words; its title only where the sentence does not say it already. */
export function backingText({ text }: Sentence, { title, issuer, issuedOn, place }: Backing): string {
  const isSaid = text.toLowerCase().startsWith(title.toLowerCase());
  return `${isSaid ? '' : `${title} – `}${issuer}, ${issuedOn}, ${place ?? 'no statement'}`;
}

/** A sentence that only the manufacturer says. */
export function claim(text: string): Sentence {
  return { text, grade: 'claimed', backing: [] };
}

/**
 * A sentence that evidence shows. Its grade is that of the weakest piece, because the sentence needs all of them.
 * @throws TypeError without evidence: that would be a claim
 */
export function shown(text: string, evidence: readonly [Evidence, ...Evidence[]]): Sentence {
  const [first, ...rest] = evidence;
  const grade = rest.reduce<Grade>(
    (weakest, one) => (isAtLeast(one.grade, weakest) ? weakest : one.grade),
    first.grade,
  );
  return { text, grade, backing: evidence.map(backingOf) };
}

/** The blocks, or a gap when there are none. */
export function orGap(blocks: readonly Block[], text: string, wanted: readonly string[]): readonly Block[] {
  return blocks.length > 0 ? blocks : [{ kind: 'gap', text, wanted }];
}

/** Every sentence of a document, with the section that it stands in. */
export function* sentencesOf(document: Document): Generator<Sentence & { readonly section: string }> {
  for (const { no, blocks } of document.sections) {
    for (const block of blocks) {
      if (block.kind !== 'text') continue;
      for (const sentence of block.sentences) yield { ...sentence, section: no };
    }
  }
}

/** How many gaps a document shows. */
export function countGaps({ sections }: Document): number {
  return sections.reduce((sum, { blocks }) => sum + blocks.filter(({ kind }) => kind === 'gap').length, 0);
}
