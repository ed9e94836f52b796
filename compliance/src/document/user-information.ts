/**
 * Information and instructions to the user: the points of Annex II of the CRA, each by its number. What the product record
 * says is there; what only the manufacturer can tell users is an answer of the product file (`papers.answers`), or a gap.
 */
import type { EvidenceKind } from '../catalogue/index.ts';
import { aboutModel, type Model } from '../product/index.ts';
import { answersTo, textBlock } from './answers.ts';
import { type Block, claim, type Document, type Sentence } from './document.ts';
import { modelDocument, OUT_OF_SCOPE, section } from './frame.ts';
import { evidenceSentences, isSoldInEu, type Records } from './records.ts';

type Known = (records: Records, model: Model) => readonly Sentence[];

type Point = {
  readonly id: string;
  readonly title: string;
  /** What records say of it. */
  readonly known?: Known;
  /** Whether that is all that the point asks for. */
  readonly isWhole?: (records: Records, model: Model) => boolean;
  /** Evidence of these kinds is listed. */
  readonly kinds?: readonly EvidenceKind[];
  /** What the manufacturer has to write. */
  readonly wanted: string;
};

const always = (): boolean => true;
const addressOf = ({ product }: Records, model: Model): string | undefined =>
  aboutModel(product.papers?.declarations, model.id).find(({ address }) => address !== undefined)?.address;

const POINTS: readonly Point[] = [
  {
    id: 'AII.1',
    title: 'Manufacturer and how to reach it',
    known: ({ product: { manufacturer } }) => [
      claim(`Manufacturer: ${manufacturer.name}, ${manufacturer.address}.`),
      claim(`Contact: ${manufacturer.contact}.`),
    ],
    isWhole: always,
    wanted: 'name, postal and digital address, website',
  },
  {
    id: 'AII.2',
    title: 'Where to report vulnerabilities, and the disclosure policy',
    known: ({ product: { manufacturer, papers } }) => [
      claim(`Reports of vulnerabilities: ${manufacturer.securityContact}.`),
      ...(papers?.disclosure?.page === undefined
        ? []
        : [claim(`The policy on disclosure is at ${papers.disclosure.page}.`)]),
    ],
    isWhole: ({ product }) => product.papers?.disclosure?.page !== undefined,
    wanted: 'where the policy on coordinated vulnerability disclosure can be found',
  },
  {
    id: 'AII.3',
    title: 'Name, type and what identifies the product',
    known: (_records, model) => [
      claim(
        `${model.name}, type ${model.id}${model.brand === undefined ? '' : `, brand ${model.brand}`}, hardware revision ${model.hardware.map(({ revision }) => revision).join(', ')}.`,
      ),
    ],
    isWhole: always,
    wanted: 'type, batch, serial number or what else identifies it',
  },
  {
    id: 'AII.4',
    title: 'Purpose, security environment, essential functions and security properties',
    known: ({ product }) => [claim(product.purpose)],
    wanted: 'security environment that the manufacturer provides, essential functions, security properties',
  },
  {
    id: 'AII.5',
    title: 'Circumstances that may lead to significant risk',
    wanted: 'known or foreseeable circumstances of use and foreseeable misuse',
  },
  {
    id: 'AII.6',
    title: 'Where the declaration of conformity is',
    known: (records, model) => {
      const address = addressOf(records, model);
      return address === undefined ? [] : [claim(`The EU declaration of conformity is at ${address}.`)];
    },
    isWhole: (records, model) => addressOf(records, model) !== undefined,
    wanted: 'internet address of the declaration',
  },
  {
    id: 'AII.7',
    title: 'Technical security support, and until when',
    known: ({ product: { support } }) => [
      claim(`Security updates are provided until ${support.until}.`),
      claim(support.reasoning),
    ],
    isWhole: always,
    kinds: ['support-period-statement'],
    wanted: 'type of support and its end date',
  },
  {
    id: 'AII.8.a',
    title: 'Setting up and using it securely',
    wanted: 'measures at first use and over the whole lifetime',
  },
  { id: 'AII.8.b', title: 'How changes affect the security of data', wanted: 'changes that users can make' },
  {
    id: 'AII.8.c',
    title: 'How security updates are installed',
    kinds: ['campaign-record', 'user-notice'],
    wanted: 'what happens by itself, what the user does, how long it takes',
  },
  {
    id: 'AII.8.d',
    title: 'Taking it out of use, and removing data',
    kinds: ['data-deletion-test'],
    wanted: 'how user data is removed, and how it can be moved',
  },
  {
    id: 'AII.8.e',
    title: 'Switching automatic security updates off',
    wanted: 'where the switch is, and what follows from using it',
  },
  {
    id: 'AII.8.f',
    title: 'For those who build it into other products',
    wanted: 'what integrators need for Annex I and Annex VII; or that it is not meant for integration',
  },
  {
    id: 'AII.9',
    title: 'Where the bill of materials is, if users get it',
    kinds: ['sbom'],
    wanted: 'where users find it, or that it is not made available to them',
  },
];

/** Number of a point: `AII.8.c` is `8.c`. */
const numberOf = ({ id }: Point): string => id.replace(/^AII\./, '');

function blocksOf(records: Records, model: Model, point: Point): readonly Block[] {
  const answers = answersTo(records, model, `EU-CRA ${point.id}`);
  const known = [
    ...(point.known?.(records, model) ?? []),
    ...answers,
    ...evidenceSentences(records, model, point.kinds ?? []),
  ];
  const isWhole = answers.length > 0 || point.isWhole?.(records, model) === true;
  const gap: readonly Block[] = isWhole
    ? []
    : [{ kind: 'gap', text: 'The manufacturer has to tell the user.', wanted: [point.wanted] }];
  return [...textBlock(known), ...gap];
}

/** How many points of Annex II nobody has written. */
export function openUserPoints(records: Records, model: Model): string[] {
  return POINTS.filter((point) => blocksOf(records, model, point).some(({ kind }) => kind === 'gap')).map(
    (point) => `${point.id} ${point.title}`,
  );
}

/** Annex II, point by point. */
export function userInformation(records: Records, model: Model): Document {
  const sections = POINTS.map((point) =>
    section(numberOf(point), point.title, blocksOf(records, model, point), [`EU-CRA ${point.id}`]),
  );
  return modelDocument(records, model, {
    name: 'user-information',
    title: 'Information and instructions to the user (CRA Annex II)',
    sections: isSoldInEu(model) ? sections : [section('1', 'Scope', [OUT_OF_SCOPE])],
  });
}
