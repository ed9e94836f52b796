/** Key management audit of a model: which keys the boot chain and the updates rest on, and what the ledger has of their use. */
import { aboutModel, type Model } from '../product/index.ts';
import { answersToAny, textBlock } from './answers.ts';
import type { Block, Document } from './document.ts';
import { evidenceTable } from './evidence-table.ts';
import { modelDocument, section } from './frame.ts';
import { cellFor, countingEvidence, evidenceSentences, matrixTable, type Records } from './records.ts';

const REQUIREMENTS = [
  'RFC-9124 REQ.SEC.KEY.PROTECTION',
  'RFC-9124 REQ.SEC.KEY.ROTATION',
  'IEC-62443-4-1 SM-8',
  'ETSI-EN-303-645 5.5-8',
  'IEC-62443-4-2 EDR 3.12',
  'IEC-62443-4-2 EDR 3.13',
  'EN-18031 CCK-1',
  'EN-18031 CCK-2',
  'EN-18031 CCK-3',
];

function inventory(records: Records, model: Model): Block {
  const boot = model.bootChain.flatMap(({ key, algorithm, verifier, stage }) =>
    key === undefined
      ? []
      : [[key, `checks ${stage}`, algorithm ?? 'not stated', `held by ${verifier}`, 'product record']],
  );
  const written = aboutModel(records.product.papers?.ixit, model.id)
    .filter(({ table }) => table === 'IXIT 10-SecParam')
    .map(({ columns }) => [
      columns['ID'] ?? 'no ID',
      columns['Description'] ?? 'not stated',
      columns['Security Guarantees'] ?? 'not stated',
      columns['Protection Scheme'] ?? 'not stated',
      'manufacturer',
    ]);
  return {
    kind: 'table',
    caption: 'Keys and other security parameters',
    head: ['Key', 'What for', 'Algorithm or guarantee', 'Where and how kept', 'Source'],
    rows: [...boot, ...written],
    grade: 'claimed',
  };
}

const WANTED: readonly string[] = [
  'where each signing key is kept (offline, HSM, file), and who may use it',
  'how many people a signature takes, and the record of the ceremony',
  'when keys are rotated, how they are revoked, what happens when one is lost',
];

/** Keys and signing, as records and ledger have it. */
export function keyAudit(records: Records, model: Model): Document {
  const sentences = evidenceSentences(records, model, ['key-management-record']);
  const releases = countingEvidence(records, model, ['signed-release']).filter(({ grade }) => grade === 'configured');
  const cells = REQUIREMENTS.flatMap((one) => cellFor(records, model, one) ?? []);
  const custody = textBlock(answersToAny(records, model, ['ARCHITECTURE 8', ...REQUIREMENTS]));
  const gapOf = (text: string, wanted: readonly string[]): Block => ({ kind: 'gap', text, wanted });
  const keys = inventory(records, model);
  const hasKeys = keys.kind === 'table' && keys.rows.length > 0;
  return modelDocument(records, model, {
    name: 'key-management-audit',
    title: 'Key management audit',
    sections: [
      section(
        '1',
        'Keys',
        hasKeys ? [keys] : [gapOf('No key is described for the model.', ['keys of the boot chain', 'image keys'])],
      ),
      section(
        '2',
        'Custody, rotation, revocation',
        custody.length > 0 ? custody : [gapOf('Nothing is written.', WANTED)],
      ),
      section(
        '3',
        'Keys that the ledger knows',
        sentences.length === 0
          ? [
              gapOf('The ledger has no record of a key for this line.', [
                'a published release',
                'the signing log of the workspace',
              ]),
            ]
          : textBlock(sentences),
      ),
      section(
        '4',
        'What was signed',
        releases.length === 0
          ? [gapOf('The ledger has no signed release of this line.', ['a release that was sealed and published'])]
          : [evidenceTable('Releases and their statements', releases)],
      ),
      section(
        '5',
        'What is asked of keys',
        [matrixTable('Requirements on keys', cells)],
        REQUIREMENTS.filter((one) => cellFor(records, model, one) !== undefined),
      ),
      section('6', 'How to check', [
        {
          kind: 'note',
          text: '`pawl key audit` compares every signature of the releases with the log of the signing: a signature that is not in the log, and an entry without its signature, are both found.',
        },
      ]),
    ],
  });
}
