/** The page that traces the mission: every item to its features, to commands, pages and tests of Pawl, and to what is so. */
import { loadMission, type Mission, type MissionRow } from '../../compliance/src/mission/index.ts';

const SOURCES = [
  'S0 · EN 62368-3:2027 (a sensor maker’s news)',
  'S1 · EN 303 645:2024 under the CRA (trade blog)',
  'S2 · case study of a metering company on the CRA',
  'S3 · IEC 62443-4-2:2026 (trade blog)',
  'S4 · BSI and EN 303 645 v2.1.0 (trade blog)',
];

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const row = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
const code = (words: readonly string[]): string => words.map((one) => `\`${one}\``).join(', ') || '–';

function counts(rows: readonly MissionRow[]): string[] {
  const of = (state: string, truth?: string): number =>
    rows.filter((one) => one.state === state && (truth === undefined || one.truth === truth)).length;
  return [
    '| | built | partly | not yet |',
    '|---|---|---|---|',
    row(['all', String(of('built')), String(of('partly')), String(of('not-yet'))]),
    ...['real', 'advice', 'unverified', 'contradicted'].map((truth) =>
      row([truth, String(of('built', truth)), String(of('partly', truth)), String(of('not-yet', truth))]),
    ),
  ];
}

function featureTable({ features }: Mission): string[] {
  return [
    '| | feature | state | commands | pages | shown by | lacks |',
    '|---|---|---|---|---|---|---|',
    ...features.map((one) =>
      row([
        one.id,
        one.name,
        one.state,
        code(one.commands.map((word) => `pawl ${word}`)),
        one.documents.map((page) => `[${page.replace(/^docs\/|\.md$/g, '')}](../../${page})`).join(', ') || '–',
        code(one.tests),
        one.lacks ?? '–',
      ]),
    ),
  ];
}

function itemTable(rows: readonly MissionRow[]): string[] {
  return [
    '| item | who | asks | features | truth | state | shown by | note |',
    '|---|---|---|---|---|---|---|---|',
    ...rows.map((one) =>
      row([
        one.id,
        one.actor,
        one.paraphrase,
        one.features.join(' '),
        one.truth,
        one.state,
        one.state === 'not-yet' ? '–' : code(one.tests.slice(0, 3)),
        one.note ?? '–',
      ]),
    ),
  ];
}

/** Claims that are contradicted or that nobody confirmed, with what was found and what really exists. */
function factSection({ rows, claims }: Mission): string[] {
  const doubtful = rows.filter(({ truth }) => truth === 'contradicted' || truth === 'unverified');
  return [
    '## Claims that do not hold, or that nobody confirmed',
    '',
    'Shown in Pawl as watch items with what really exists; they count in no matrix and hold no release.',
    '',
    '| item | claim | truth | found out | really there |',
    '|---|---|---|---|---|',
    ...doubtful.map((one) => row([one.id, one.paraphrase, one.truth, one.facts.join(', ') || '–', code(one.real)])),
    '',
    '### What was found out',
    '',
    '| | claim | verdict | finding | sources | verified |',
    '|---|---|---|---|---|---|',
    ...claims.map((one) => row([one.id, one.claim, one.verdict, one.finding, one.sources, one.verification])),
  ];
}

/** Renders the page. */
export function renderMission(): string {
  const mission = loadMission();
  const { rows, note, checkedOn, states } = mission;
  return [
    '# The mission, item by item',
    '',
    `Generated from \`compliance/data\` by \`npm run gen\`. ${note} Looked through on ${checkedOn}.`,
    '',
    ...Object.entries(states).map(([name, meaning]) => `- _${name}_: ${meaning}`),
    '',
    ...counts(rows),
    '',
    '## Features',
    '',
    ...featureTable(mission),
    '',
    ...SOURCES.flatMap((title, source) => [
      `## ${title}`,
      '',
      ...itemTable(rows.filter((one) => one.source === source)),
      '',
    ]),
    ...factSection(mission),
    '',
  ].join('\n');
}
