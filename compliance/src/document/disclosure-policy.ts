/**
 * Coordinated vulnerability disclosure, to be approved and published (CRA Annex I Part II (5) and (6); ISO/IEC 29147 asks for
 * what stands here). Times are promises: they come from the product file (`papers.disclosure`) or are a gap.
 */
import { type Block, claim, type Document } from './document.ts';
import { productDocument, section } from './frame.ts';
import type { Records } from './records.ts';

function times(records: Records): readonly Block[] {
  const said = records.product.papers?.disclosure;
  if (said === undefined) {
    return [
      {
        kind: 'gap',
        text: 'Times are promises: the manufacturer sets and keeps them.',
        wanted: [
          'time to acknowledge',
          'time between status messages',
          'time to disclosure, and when it may be delayed',
        ],
      },
    ];
  }
  return [
    {
      kind: 'text',
      sentences: [
        claim(`We acknowledge a report within ${said.acknowledgeDays} days.`),
        claim(`Until it is closed, the reporter hears from us at least every ${said.statusDays} days.`),
        claim(`We disclose at the latest ${said.publishDays} days after the report, or when the fix is out.`),
        ...(said.delay === undefined ? [] : [claim(said.delay)]),
      ],
    },
  ];
}

function protection(records: Records): readonly Block[] {
  const text = records.product.papers?.disclosure?.safeHarbour;
  return text === undefined
    ? [
        {
          kind: 'gap',
          text: 'Not decided.',
          wanted: ['that research in good faith is welcome, and what it may not do'],
        },
      ]
    : [{ kind: 'text', sentences: [claim(text)] }];
}

function reporting({ product }: Records): readonly Block[] {
  const { page, languages } = product.papers?.disclosure ?? {};
  return [
    {
      kind: 'text',
      sentences: [
        claim(
          `Report vulnerabilities to ${product.manufacturer.securityContact}. No account is needed, and reports may be anonymous.`,
        ),
        claim('Say which product and version, what can be done, and how to see it.'),
        ...(languages === undefined ? [] : [claim(`We read ${languages.join(', ')}.`)]),
        ...(page === undefined ? [] : [claim(`This policy is published at ${page}.`)]),
      ],
    },
    ...(page === undefined
      ? [
          {
            kind: 'gap',
            text: 'Not published.',
            wanted: ['address of the policy, also in security.txt (RFC 9116)'],
          } as const,
        ]
      : []),
  ];
}

/** The policy of a product. */
export function disclosurePolicy(records: Records): Document {
  const { product } = records;
  const { support, manufacturer } = product;
  const scope: Block = {
    kind: 'table',
    caption: 'Products that the policy is about',
    head: ['Model', 'Type', 'Brand', 'Supported until'],
    rows: product.models.map((one) => [one.name, one.id, one.brand ?? manufacturer.name, support.until]),
    grade: 'claimed',
  };
  const handling = [
    'Each report becomes a case with a receipt; it is assessed for severity and for whether it is exploited.',
    'Components are matched against bills of materials; makers of components that are affected are told.',
    'A fix becomes a release of its own, separate from new functions where that is possible, and free of charge.',
    'When the fix is out, users are told: what was wrong, how severe, what to do; as an advisory (CSAF) and a page.',
    'What is actively exploited is notified to the authorities within the times of Article 14.',
  ];
  return productDocument(records, {
    name: 'vulnerability-disclosure-policy',
    title: 'Vulnerability disclosure policy – draft',
    sections: [
      section('1', 'Scope', [scope]),
      section('2', 'Reporting', reporting(records), ['EU-CRA II.5', 'EU-CRA II.6', 'ETSI-EN-303-645 5.2-1']),
      section(
        '3',
        'What happens then',
        [{ kind: 'text', sentences: handling.map(claim) }],
        ['EU-CRA II.2', 'EU-CRA II.4', 'EU-CRA II.7', 'EU-CRA II.8'],
      ),
      section('4', 'How long it takes', times(records)),
      section('5', 'Protection of those who report', protection(records)),
      section('6', 'For how long', [
        { kind: 'text', sentences: [claim(`Supported until ${support.until}. ${support.reasoning}`)] },
      ]),
    ],
  });
}
