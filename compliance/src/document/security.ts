/** Threat model, risk assessment, test report and key audit of a model: what the evidence of the update path itself shows. */
import { decideGate } from '../gap/index.ts';
import type { Model } from '../product/index.ts';
import { type Block, type Document, orGap, type Section } from './document.ts';
import { modelDocument, section } from './frame.ts';
import {
  cellFor,
  cellsOf,
  countingEvidence,
  evidenceSentences,
  explain,
  matrixTable,
  type Records,
} from './records.ts';

function threatRow(
  records: Records,
  model: Model,
  threat: { id: string; title: string; mitigatedBy: readonly string[] },
): string[] {
  const cells = threat.mitigatedBy.flatMap((id) => cellFor(records, model, `RFC-9124 ${id}`) ?? []);
  const isOpen = cells.length === 0 || cells.some(({ state }) => state !== 'met');
  return [
    threat.id,
    threat.title,
    threat.mitigatedBy.join(', '),
    isOpen ? 'open' : 'mitigations shown',
    cells.map((cell) => `${cell.entry.requirement.id}: ${explain(cell)}`).join(' | '),
  ];
}

/** The threats of RFC 9124 with their mitigations, and what shows those. */
export function threatModel(records: Records, model: Model): Document {
  const catalogue = records.library.catalogues.find((one) => one.catalogue === 'RFC-9124');
  const table: Block = {
    kind: 'table',
    caption: 'Threats to updates (RFC 9124), mitigations and their tests',
    head: ['Threat', 'In our words', 'Mitigated by', 'Standing', 'Shown by, or missing'],
    rows: (catalogue?.threats ?? []).map((threat) => threatRow(records, model, threat)),
    grade: 'configured',
  };
  const own: Block = {
    kind: 'gap',
    text: 'Threats beyond updates: to be added by the manufacturer.',
    wanted: ['assets', 'threats by interface (STRIDE)', 'ratings and treatment'],
  };
  return modelDocument(records, model, {
    name: 'threat-model',
    title: 'Threat model',
    sections: [section('1', 'Updates', [table], ['EU-CRA AVII.3']), section('2', 'The rest of the product', [own])],
  });
}

/** Which points of Annex I apply to the model, how they are met, and what is open. */
export function riskAssessment(records: Records, model: Model): Document {
  const cells = cellsOf(records, model, 'EU-CRA').filter(({ entry }) => /^I{1,2}\./.test(entry.requirement.id));
  const gate = decideGate(records.cells, records.product, { model: model.id, market: 'EU', on: records.on });
  const open: readonly Block[] =
    gate.holding.length === 0 ? [] : [matrixTable('Duties of law that apply and are open', gate.holding)];
  const ratings: Block = {
    kind: 'gap',
    text: 'Likelihood, impact and treatment are decisions of people.',
    wanted: ['rating of each risk', 'treatment and residual risk', 'approver and day'],
  };
  const note: Block = { kind: 'note', text: 'Annex I of the regulation is not about this model.' };
  return modelDocument(records, model, {
    name: 'risk-assessment',
    title: 'Cybersecurity risk assessment',
    sections: [
      section('1', 'Applicability of Annex I', cells.length === 0 ? [note] : [matrixTable('Annex I', cells)], [
        'EU-CRA 13.3',
        'EU-CRA 13.4',
      ]),
      section('2', 'Open duties', orGap(open, 'No duty of law that applies on the day is open by the records.', [])),
      section('3', 'Ratings', [ratings]),
    ],
  });
}

const TESTS = [
  ['1', 'What is not genuine is refused', 'verify-reject-test'],
  ['2', 'What is older is refused', 'anti-rollback-test'],
  ['3', 'What does not start is undone', 'rollback-test'],
  ['4', 'Interrupted updates', 'update-resilience-test'],
  ['5', 'A changed boot stage does not run', 'boot-tamper-test'],
] as const;

/** Update and rollback tests: what devices signed, and what nobody has shown yet. */
export function testReport(records: Records, model: Model): Document {
  const sections = TESTS.map(([no, title, kind]): Section => {
    const sentences = evidenceSentences(records, model, [kind]);
    const blocks: readonly Block[] = sentences.length === 0 ? [] : [{ kind: 'text', sentences }];
    return section(
      no,
      title,
      orGap(blocks, `No ${kind} counts on ${records.on}.`, [`evidence: ${kind}, tested or observed`]),
    );
  });
  return modelDocument(records, model, {
    name: 'update-test-report',
    title: 'Update and rollback test report',
    sections,
  });
}

/** Keys and signing, as the ledger has it. */
export function keyAudit(records: Records, model: Model): Document {
  const sentences = evidenceSentences(records, model, ['key-management-record']);
  const blocks: readonly Block[] = sentences.length === 0 ? [] : [{ kind: 'text', sentences }];
  const count = countingEvidence(records, model, ['key-management-record']).length;
  return modelDocument(records, model, {
    name: 'key-management-audit',
    title: 'Key management audit',
    sections: [
      section(
        '1',
        'Records',
        orGap(blocks, 'The ledger has no record of a key for this line.', [
          'a published release',
          'the signing log of the workspace',
        ]),
      ),
      section('2', 'How to check', [
        {
          kind: 'note',
          text: `${count} records count on ${records.on}. \`pawl key audit\` compares every signature with the log of the signing.`,
        },
      ]),
    ],
  });
}
