/** Papers about the whole product: recertification plan, status letter to customers, inquiry to suppliers. */
import { deadlinesBetween, loadDeadlines, type Step, scheduleBack } from '../calendar/index.ts';
import { countsUntil } from '../evidence/index.ts';
import { countStates, decideGate, isHardToChange, remediationQueue } from '../gap/index.ts';
import { hasVerifiedBoot, marketsFrom } from '../product/index.ts';
import { loadInquiryTemplate } from '../supplier/index.ts';
import { type Block, claim, type Document, placeOf, shown } from './document.ts';
import { productDocument, section } from './frame.ts';
import { explain, type Records } from './records.ts';

/** Advice that is widely given, no rule; a laboratory's own word replaces it. */
const PLAN: readonly Step[] = [
  {
    name: 'close gaps in engineering',
    length: { months: 6 },
    reason: 'assumption, to be replaced by the project plan',
  },
  { name: 'documents', length: { weeks: 6 }, reason: 'assumption' },
  { name: 'laboratory', length: { weeks: 8 }, reason: 'assumption, to be replaced by the lead time of the laboratory' },
  {
    name: 'verification of security',
    length: { months: 3 },
    reason: 'advice of a trade source: at least three months',
  },
];

/** Evidence that stops counting, soonest first: what has to be made again. */
function endingTable({ evidence, on, product }: Records): readonly Block[] {
  const ending = evidence
    .flatMap((one) => {
      const until = countsUntil(one);
      return until === undefined ? [] : [{ one, until }];
    })
    .toSorted((a, b) => (a.until === b.until ? 0 : a.until < b.until ? -1 : 1))
    .slice(0, 60);
  if (ending.length === 0) return [{ kind: 'note', text: 'No evidence in the records has an end.' }];
  return [
    {
      kind: 'table',
      caption: 'Evidence with an end',
      head: ['Counts until', 'On the day', 'What', 'Models', 'From', 'Statement'],
      rows: ending.map(({ one, until }) => [
        until,
        until < on ? 'ended' : 'counts',
        `${one.facts.title} (${one.facts.kind}${one.facts.edition === undefined ? '' : `, ${one.facts.edition}`})`,
        (one.facts.models ?? product.models.map(({ id }) => id)).join(', '),
        one.facts.issuer,
        placeOf(one) ?? 'no statement',
      ]),
      grade: 'configured',
    },
  ];
}

/** Events after which conformity is looked at again, whatever the calendar says. */
const TRIGGERS = [
  [
    'a substantial modification (CRA Article 3(30))',
    'new assessment, technical file and declaration for the changed product',
  ],
  [
    'a new edition of a standard that was applied',
    '`pawl catalogue compare` of both editions; what changed is tested again',
  ],
  ['other hardware: SoC, secure element, boot chain', 'production record, boot and rollback tests of the new revision'],
  ['a release that changes a security property', 'the documents are built and frozen again for it'],
  ['a vulnerability that the risk assessment did not foresee', 'risk assessment and threat model'],
] as const;

/** What is due when, and when to begin. */
export function recertificationPlan(records: Records): Document {
  const dates = deadlinesBetween(loadDeadlines().fixed, records.on, '2031-01-01');
  const calendar: Block = {
    kind: 'table',
    caption: 'Dates',
    head: ['Date', 'Kind', 'What', 'Source', 'Verified'],
    rows: dates.map((one) => [one.date, one.kind, one.what, one.source, one.verification]),
    grade: 'configured',
  };
  const next = dates.find(({ kind }) => kind === 'applicable');
  const plan: Block =
    next === undefined
      ? { kind: 'note', text: 'No date of application lies ahead.' }
      : {
          kind: 'table',
          caption: `Backwards from ${next.date} (${next.what})`,
          head: ['Step', 'Begins', 'Ends', 'Late', 'Why so long'],
          rows: scheduleBack(PLAN, next.date, records.on).map((one) => [
            one.name,
            one.startsOn,
            one.endsOn,
            one.isLate ? 'should have begun' : 'no',
            one.reason,
          ]),
          grade: 'claimed',
        };
  const tasks = remediationQueue(records.cells, records.product, records.on).slice(0, 40);
  const queue: Block = {
    kind: 'table',
    caption: 'First forty things to do',
    head: ['Model', 'Requirement', 'Applies from', 'Why open', 'Hard to change'],
    rows: tasks.map(({ cell, isHardToChange: isHard }) => [
      cell.model,
      `${cell.entry.reference} ${cell.entry.requirement.title}`,
      cell.application.from ?? 'no date',
      explain(cell),
      isHard ? 'yes' : 'no',
    ]),
    grade: 'configured',
  };
  return productDocument(records, {
    name: 'recertification-plan',
    title: 'Recertification plan',
    sections: [
      section('1', 'Calendar', [calendar]),
      section('2', 'When to begin', [plan]),
      section('3', 'What has to be made again', endingTable(records)),
      section('4', 'What else sets it off', [
        {
          kind: 'table',
          caption: 'Triggers',
          head: ['When', 'What is looked at again'],
          rows: TRIGGERS.map((one) => [...one]),
          grade: 'claimed',
        },
      ]),
      section('5', 'What to do first', [queue]),
    ],
  });
}

function modelRows({ product, cells, on }: Records): string[][] {
  return product.models.map((model) => {
    const counts = countStates(cells, model.id);
    const gate = decideGate(cells, product, { model: model.id, market: 'EU', on });
    return [
      model.name,
      marketsFrom(model, on).join(', ') || 'none',
      model.updateProtocol,
      hasVerifiedBoot(model) ? 'described with signatures' : 'not with signatures',
      `${counts.met} met, ${counts.partial} partly, ${counts.gap} open`,
      gate.isHeld
        ? `${gate.holding.length} duties of EU law that apply are open`
        : 'no duty of EU law that applies is open',
    ];
  });
}

/** What trade news say, beside what is really there: customers ask about it. */
function rumourTable({ cells, product, library }: Records): readonly Block[] {
  const [first] = product.models;
  const watched = cells.filter(({ state, model }) => state === 'watch' && model === first?.id);
  if (watched.length === 0)
    return [{ kind: 'note', text: 'Nothing is reported that is not law or a published standard.' }];
  return [
    {
      kind: 'table',
      caption: 'Reported, not confirmed: counted nowhere',
      head: ['What is reported', 'Standing', 'What is really there'],
      rows: watched.map(({ entry, counterparts }) => [
        entry.requirement.title,
        entry.requirement.source.status === 'reported-contradicted'
          ? 'contradicted by better sources'
          : 'no source found',
        counterparts
          .map(
            (one) =>
              `${one}${library.find(one) === undefined ? '' : ` (${library.find(one)?.requirement.title ?? ''})`}`,
          )
          .join('; ') || 'nothing',
      ]),
      grade: 'configured',
    },
  ];
}

/** What customers may be told: what is, not what is hoped. */
export function statusLetter(records: Records): Document {
  const { product, on } = records;
  const dates = deadlinesBetween(loadDeadlines().fixed, on, '2029-01-01').filter(
    ({ kind, verification }) => kind === 'applicable' && (verification === 'primary' || verification === 'secondary'),
  );
  return productDocument(records, {
    name: 'status-letter',
    title: 'Product status for customers',
    sections: [
      section('1', 'Where we stand', [
        {
          kind: 'text',
          sentences: [
            claim(`This is where ${product.name} stands on ${on}, by our records.`),
            claim(`Security updates are provided until ${product.support.until}.`),
            claim(`Questions on security: ${product.manufacturer.securityContact}.`),
          ],
        },
        {
          kind: 'table',
          caption: 'Models',
          head: ['Model', 'Markets', 'Updates by', 'Boot chain', 'Requirements that are looked at', `Law on ${on}`],
          rows: modelRows(records),
          grade: 'configured',
        },
        {
          kind: 'note',
          text: 'Numbers count requirements of law, standards and guidance alike; they are no share of conformity.',
        },
      ]),
      section('2', 'Dates ahead', [
        {
          kind: 'table',
          caption: 'Dates of application that were checked',
          head: ['Date', 'What', 'Source'],
          rows: dates.map((one) => [one.date, one.what, one.source]),
          grade: 'configured',
        },
      ]),
      section('3', 'What is reported, and what is so', rumourTable(records)),
    ],
  });
}

/** What came of the inquiries: what counts, and what does not and why. */
function supplierAnswers({ evidence, on }: Records): readonly Block[] {
  const pieces = evidence.filter(({ facts }) => facts.worth !== undefined && facts.issuedOn <= on);
  const counting = pieces.filter(({ facts }) => facts.objection === undefined);
  const sentences = [...Map.groupBy(counting, ({ facts }) => `${facts.issuer}\0${facts.title}`).values()].map(
    (group) => {
      const [first, ...rest] = group;
      if (first === undefined) throw new TypeError('a group has a member');
      const requirements = [...new Set(group.flatMap(({ facts }) => facts.requirements ?? []))].join(', ');
      return shown(`${first.facts.issuer}: ${first.facts.title}; for ${requirements}.`, [first, ...rest]);
    },
  );
  const open = pieces.filter(({ facts }) => facts.objection !== undefined);
  const wanted = open.map(({ facts }) => {
    const [models, requirements] = [facts.models ?? [], facts.requirements ?? []].map((all) => all.join(', '));
    return `${facts.issuer}, ${models}, ${requirements}: ${facts.objection ?? ''}`;
  });
  const missing = pieces.length === 0 ? ['an inquiry to each supplier of these parts (`pawl inquiry make`)'] : wanted;
  return [
    ...(sentences.length === 0 ? [] : [{ kind: 'text' as const, sentences }]),
    ...(missing.length === 0
      ? []
      : [{ kind: 'gap' as const, text: 'Answers that do not count yet.', wanted: missing }]),
  ];
}

/** Questions to suppliers of SoCs, modules and secure elements. An answer is graded by what comes with it. */
export function supplierInquiry(records: Records): Document {
  const template = loadInquiryTemplate();
  const parts = records.product.models.flatMap((model) =>
    model.hardware.map((one) => [one.soc, one.secureElement, model.name, isHardToChange(model) ? 'yes' : 'no']),
  );
  return productDocument(records, {
    name: 'supplier-inquiry',
    title: 'Inquiry to suppliers',
    sections: [
      section('1', 'Parts', [
        {
          kind: 'table',
          caption: 'Parts that are asked about',
          head: ['SoC', 'Secure element', 'Used in', 'Hard to change'],
          rows: parts,
          grade: 'claimed',
        },
      ]),
      section('2', 'Questions', [
        {
          kind: 'table',
          caption: `Questions, edition ${template.edition}`,
          head: ['Topic', 'Question', 'For'],
          rows: template.questions.map(({ topic, text, requirements = [] }) => [
            topic.replaceAll('-', ' '),
            text,
            requirements.join(', '),
          ]),
          grade: 'claimed',
        },
        {
          kind: 'note',
          text: 'An assurance is worth least, then a document, then test evidence, then a bundle that was verified. All of it stays what the supplier says.',
        },
      ]),
      section('3', 'Answers', supplierAnswers(records), ['EU-CRA 13.5']),
    ],
  });
}
