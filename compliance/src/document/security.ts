/** Threat model and risk assessment of a model: threats and mitigations with the tests that show them, and ratings by people. */
import type { EvidenceKind } from '../catalogue/index.ts';
import { decideGate, isFor } from '../gap/index.ts';
import type { Model } from '../product/index.ts';
import { answersToAny, textBlock } from './answers.ts';
import { type Block, type Document, orGap, placeOf } from './document.ts';
import { risksOf, riskTable } from './fact-tables.ts';
import { modelDocument, section } from './frame.ts';
import { bestOf, cellFor, cellsOf, countingEvidence, explain, matrixTable, type Records } from './records.ts';

type Threat = { readonly id: string; readonly title: string; readonly mitigatedBy: readonly string[] };

function threatsOf(records: Records): readonly Threat[] {
  return records.library.catalogues.find((one) => one.catalogue === 'RFC-9124')?.threats ?? [];
}

function threatRow(records: Records, model: Model, threat: Threat): string[] {
  const cells = threat.mitigatedBy.flatMap((id) => cellFor(records, model, `RFC-9124 ${id}`) ?? []);
  const isShown = cells.length > 0 && cells.every(({ state }) => state === 'met');
  const isPartly = cells.some(({ state }) => state === 'met' || state === 'partial');
  return [
    threat.id,
    threat.title,
    threat.mitigatedBy.join(', '),
    isShown ? 'mitigations shown' : isPartly ? 'partly shown' : 'open',
    risksOf(records, model)
      .filter(({ threats }) => threats?.includes(threat.id) === true)
      .map(({ id, residual }) => `${id} (residual ${residual})`)
      .join(', ') || 'not rated',
  ];
}

const TEST_KINDS: ReadonlySet<EvidenceKind> = new Set([
  'verify-reject-test',
  'anti-rollback-test',
  'rollback-test',
  'update-resilience-test',
  'secure-boot-chain',
  'boot-tamper-test',
  'access-control-test',
  'attestation-report',
  'test-report',
]);

/** From each mitigation to what shows it: the newest statement of each kind, by name, and how many there are. */
function traceRows(records: Records, model: Model): string[][] {
  const mitigations = [...new Set(threatsOf(records).flatMap(({ mitigatedBy }) => mitigatedBy))];
  return mitigations.flatMap((id) => {
    const cell = cellFor(records, model, `RFC-9124 ${id}`);
    if (cell === undefined) return [[id, 'requirement on usability, not in the catalogue', '–', '–', 'not looked at']];
    return cell.kinds.map(({ kind, proof, reason }) => {
      const all = countingEvidence(records, model, [kind]).filter((one) => isFor(cell.entry, one));
      const name = TEST_KINDS.has(kind) ? `test: ${kind}` : `record: ${kind}`;
      if (proof === undefined) return [id, cell.entry.requirement.title, name, 'none', reason ?? 'missing'];
      const newest = bestOf(all) ?? proof;
      return [
        id,
        cell.entry.requirement.title,
        name,
        `${newest.facts.title} (${placeOf(newest) ?? 'no statement'}, ${newest.facts.issuedOn})`,
        `${proof.grade}${all.length > 1 ? `, ${all.length} pieces` : ''}`,
      ];
    });
  });
}

/** The threats of RFC 9124 with their mitigations, and what shows those. */
export function threatModel(records: Records, model: Model): Document {
  const table: Block = {
    kind: 'table',
    caption: 'Threats to updates (RFC 9124) and their mitigations',
    head: ['Threat', 'In our words', 'Mitigated by', 'Standing', 'Risk'],
    rows: threatsOf(records).map((threat) => threatRow(records, model, threat)),
    grade: 'configured',
  };
  const trace: Block = {
    kind: 'table',
    caption: 'From mitigation to test',
    head: ['Mitigation', 'In our words', 'Shown by', 'Newest statement', 'Grade, or why not'],
    rows: traceRows(records, model),
    grade: 'configured',
  };
  const beyond = textBlock(answersToAny(records, model, ['ARCHITECTURE 14']));
  return modelDocument(records, model, {
    name: 'threat-model',
    title: 'Threat model',
    sections: [
      section('1', 'Threats to updates', [table], ['EU-CRA AVII.3', 'IEC-62443-4-1 SR-2']),
      section('2', 'Mitigations and their tests', [trace], ['IEC-62443-4-1 SVV-2']),
      section(
        '3',
        'The rest of the product',
        orGap(beyond, 'Threats beyond updates: to be added by the manufacturer.', [
          'assets',
          'threats by interface (STRIDE)',
          'ratings and treatment',
        ]),
      ),
    ],
  });
}

function ratingBlocks(records: Records, model: Model): readonly Block[] {
  const rated = risksOf(records, model);
  const covered = new Set(rated.flatMap(({ threats }) => threats ?? []));
  const unrated = threatsOf(records).filter(({ id }) => !covered.has(id));
  const wanted = unrated.map(({ id, title }) => `${id}: ${title}`);
  const gap: readonly Block[] =
    wanted.length === 0
      ? []
      : [
          {
            kind: 'gap',
            text: 'Threats that no rated risk covers. Likelihood, impact and treatment are decisions of people.',
            wanted,
          },
        ];
  return [...riskTable(records, model), ...gap];
}

/** Which points of Annex I apply to the model, how they are met, what is open, and the risks as people rated them. */
export function riskAssessment(records: Records, model: Model): Document {
  const cells = cellsOf(records, model, 'EU-CRA').filter(({ entry }) => /^I{1,2}\./.test(entry.requirement.id));
  const gate = decideGate(records.cells, records.product, { model: model.id, market: 'EU', on: records.on });
  const open: readonly Block[] =
    gate.holding.length === 0 ? [] : [matrixTable('Duties of law that apply and are open', gate.holding)];
  const none: readonly Block[] = [
    { kind: 'note', text: `No duty of law that applies on ${records.on} is open by the records. That is no verdict.` },
  ];
  const scope = textBlock(answersToAny(records, model, ['EU-CRA 13.2', 'EU-CRA 13.3', 'EU-CRA 13.4', 'EU-CRA AVII.3']));
  const excluded = cells
    .filter(({ state }) => state === 'not-applicable')
    .map((cell) => [cell.entry.reference, cell.entry.requirement.title, explain(cell)]);
  const exclusions: readonly Block[] =
    excluded.length === 0
      ? []
      : [
          {
            kind: 'table',
            caption: 'Points that are not for the model, with the reason (Article 13(4))',
            head: ['Requirement', 'In our words', 'Reason and approver'],
            rows: excluded,
            grade: 'configured',
          },
        ];
  const note: Block = { kind: 'note', text: 'Annex I of the regulation is not about this model.' };
  return modelDocument(records, model, {
    name: 'risk-assessment',
    title: 'Cybersecurity risk assessment',
    sections: [
      section(
        '1',
        'Purpose, use and environment that were looked at',
        orGap(scope, 'Nothing is written.', [
          'intended purpose and foreseeable use',
          'environment',
          'assets',
          'expected time of use',
        ]),
        ['EU-CRA 13.3'],
      ),
      section(
        '2',
        'Applicability of Annex I',
        cells.length === 0 ? [note] : [matrixTable('Annex I', cells), ...exclusions],
        ['EU-CRA 13.3', 'EU-CRA 13.4'],
      ),
      section('3', 'Open duties', open.length === 0 ? none : open),
      section('4', 'Ratings', ratingBlocks(records, model), ['EU-CRA 13.2']),
    ],
  });
}
