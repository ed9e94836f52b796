/** Papers about the whole product: disclosure policy, recertification plan, status letter to customers, inquiry to suppliers. */
import { deadlinesBetween, loadDeadlines, type Step, scheduleBack } from '../calendar/index.ts';
import { countStates, isHardToChange, remediationQueue } from '../gap/index.ts';
import { hasVerifiedBoot, marketsFrom } from '../product/index.ts';
import { type Block, claim, type Document } from './document.ts';
import { productDocument, section } from './frame.ts';
import { explain, type Records } from './records.ts';

/** Coordinated vulnerability disclosure, to be approved and published (CRA Annex I Part II (5); ISO/IEC 29147). */
export function disclosurePolicy(records: Records): Document {
  const { manufacturer, support } = records.product;
  return productDocument(records, {
    name: 'vulnerability-disclosure-policy',
    title: 'Vulnerability disclosure policy – draft',
    sections: [
      section(
        '1',
        'Reporting',
        [
          {
            kind: 'text',
            sentences: [
              claim(
                `Report vulnerabilities to ${manufacturer.securityContact}. No account is needed, and reports may be anonymous.`,
              ),
              claim('Say which product and version, what can be done, and how to see it.'),
            ],
          },
        ],
        ['EU-CRA II.5', 'EU-CRA II.6'],
      ),
      section('2', 'What happens then', [
        {
          kind: 'gap',
          text: 'Times are promises: the manufacturer sets and keeps them.',
          wanted: [
            'time to acknowledge',
            'time between status messages',
            'time to disclosure, and when it may be delayed',
          ],
        },
      ]),
      section('3', 'For how long', [
        { kind: 'text', sentences: [claim(`Supported until ${support.until}. ${support.reasoning}`)] },
      ]),
    ],
  });
}

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
      section('3', 'What to do first', [queue]),
    ],
  });
}

/** What customers may be told: what is, not what is hoped. */
export function statusLetter(records: Records): Document {
  const { product, on } = records;
  const rows = product.models.map((model) => {
    const counts = countStates(records.cells, model.id);
    return [
      model.name,
      marketsFrom(model, on).join(', '),
      model.updateProtocol,
      hasVerifiedBoot(model) ? 'described with signatures' : 'not with signatures',
      `${counts.met} met, ${counts.partial} partly, ${counts.gap} open`,
    ];
  });
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
          ],
        },
        {
          kind: 'table',
          caption: 'Models',
          head: ['Model', 'Markets', 'Updates by', 'Boot chain', 'Requirements that are looked at'],
          rows,
          grade: 'configured',
        },
        {
          kind: 'note',
          text: 'Numbers count requirements of law, standards and guidance alike; they are no share of conformity.',
        },
      ]),
    ],
  });
}

const QUESTIONS = [
  'Does the part check the signature of the first code that it runs, from a key that cannot be changed afterwards?',
  'Which algorithms and key lengths, and who can put the key in?',
  'Does it refuse older firmware by a counter that only rises? How many steps has the counter?',
  'Can debug access and read-out be closed for good, and how is that shown?',
  'Which credentials does it come with, and how are they replaced?',
  'How are updates of its own firmware delivered, signed and encrypted?',
  'Until when are security updates delivered, and how are vulnerabilities reported to you?',
  'From when is it available in quantity, and what is the lead time?',
];

/** Questions to suppliers of SoCs, modules and secure elements. An answer is graded by what comes with it. */
export function supplierInquiry(records: Records): Document {
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
        { kind: 'text', sentences: QUESTIONS.map(claim) },
        {
          kind: 'note',
          text: 'An assurance counts least, then a document, then test evidence, then a bundle that can be verified.',
        },
      ]),
    ],
  });
}
