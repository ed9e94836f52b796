/** `pawl ledger`: what has happened, and the proof of it. */
import { fromBase64, fromHex, toHex } from '@pawl/core/bytes';
import {
  compareBundles,
  encodeTlogProof,
  type LedgerVerdict,
  leafHash,
  type TlogProof,
  verifyBundle,
  verifyCheckpoint,
  verifyInclusion,
} from '@pawl/core/evidence';
import { type CommandGroup, defineCommand } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { renderTable } from '../frame/table.ts';
import { connect } from '../workspace/connection.ts';
import { assertAbsent, inFolder, readInput, writeOutput } from '../workspace/files.ts';
import { obtainLedgerKey, readLedgerKey } from '../workspace/ledger-key.ts';
import { loadWorkspace, parseNumber, WORKSPACE_OPTION } from '../workspace/workspace.ts';
import { monitor } from './ledger-monitor.ts';
import { witness } from './ledger-witness.ts';

const SHOWN_MAX = 500;
const KEY_OPTION = {
  key: {
    type: 'string',
    value: 'VKEY',
    summary: 'verification key of the ledger, as text or in a file (else the one seen first)',
  },
} as const;

const show = defineCommand({
  summary: 'show the newest entries and the signed checkpoint',
  options: {
    last: { type: 'string', value: 'N', summary: 'how many entries', default: '20' },
    ...KEY_OPTION,
    ...WORKSPACE_OPTION,
  },
  example: 'pawl ledger show --last 50',
  async run({ values, io }) {
    const workspace = await loadWorkspace(io, values.workspace);
    const client = await connect(workspace);
    const checkpoint = await client.call('getCheckpoint', {});
    const verified = verifyCheckpoint(
      checkpoint.note,
      await obtainLedgerKey(io, workspace, { client, given: values.key }),
    );
    const limit = Math.min(SHOWN_MAX, Math.max(1, Number(parseNumber(values.last, '--last'))));
    const { items } = await client.call('listEntries', {
      query: { from: Math.max(0, checkpoint.size - limit), limit },
    });
    return {
      json: { size: verified.size, root: toHex(verified.root), vkey: checkpoint.vkey, entries: items },
      text: [
        ...items.map(
          ({ index, predicateType, subject }) => `${String(index).padStart(6)}  ${predicateType}  ${subject}`,
        ),
        `${verified.size} entries, root ${toHex(verified.root)}`,
        `verification key ${checkpoint.vkey}`,
      ],
    };
  },
});

const exportBundle = defineCommand({
  summary: 'write the ledger, or a part of it, as a bundle that proves itself offline',
  about: [
    'A part proves of each entry that it stands in the ledger; that nothing was left out, only the whole proves.',
  ],
  options: {
    product: { type: 'string', value: 'NAME', summary: 'only what concerns this product' },
    line: { type: 'string', value: 'NAME', summary: 'only what concerns this product line' },
    version: { type: 'string', value: 'VERSION', summary: 'only what concerns this release of the line' },
    since: { type: 'string', value: 'DAY', summary: 'only from this day on' },
    until: { type: 'string', value: 'DAY', summary: 'only up to this day' },
    out: { type: 'string', value: 'FILE', summary: 'the .zip to write', required: true },
    ...KEY_OPTION,
    ...WORKSPACE_OPTION,
  },
  example: 'pawl ledger export --out bundle.zip',
  async run({ values, io }) {
    const workspace = await loadWorkspace(io, values.workspace);
    const path = inFolder(io.cwd, values.out);
    await assertAbsent(path);
    const client = await connect(workspace);
    const vkey = await obtainLedgerKey(io, workspace, { client, given: values.key });
    const { product, line, version, since, until } = values;
    const bytes = await client.call('exportBundle', { query: { product, line, version, since, until } });
    // What is written has been verified; a server that lies is found out here and not by the auditor.
    const { checkpoint, entries, isComplete } = verifyBundle(bytes, { vkey });
    await writeOutput(path, bytes);
    const of = isComplete ? '' : ` of ${checkpoint.size}`;
    return {
      json: { path, sizeBytes: bytes.length, ...checkpoint, entries: entries.length, isComplete, vkey },
      text: [`wrote ${path}: ${entries.length}${of} entries`, `Next: pawl verify ${values.out} --key ${vkey}`],
    };
  },
});

/** The proof and the entry that it is about, side by side. */
async function writeProof(path: string, entry: Uint8Array, given: TlogProof): Promise<string[]> {
  const [proofPath, entryPath] = [`${path}.tlog-proof`, `${path}.json`];
  await assertAbsent(proofPath);
  await assertAbsent(entryPath);
  await writeOutput(entryPath, entry);
  await writeOutput(proofPath, encodeTlogProof(given));
  return [
    `wrote ${proofPath} and ${entryPath}`,
    `Next: pawl verify ${proofPath} --entry ${entryPath} --key LEDGER_KEY`,
  ];
}

const proof = defineCommand({
  summary: 'prove that an entry stands in the ledger',
  positionals: [{ name: 'INDEX', summary: 'the number of the entry' }],
  options: {
    out: {
      type: 'string',
      value: 'FILE',
      summary: 'write the proof (FILE.tlog-proof) and the entry (FILE.json), for "pawl verify"',
    },
    ...KEY_OPTION,
    ...WORKSPACE_OPTION,
  },
  example: 'pawl ledger proof 17 --out entry17',
  async run({ values, positionals: [text = ''], io }) {
    const index = Number(parseNumber(text, 'INDEX'));
    const workspace = await loadWorkspace(io, values.workspace);
    const client = await connect(workspace);
    const given = await client.call('getProof', { params: { index } });
    const { size, root } = verifyCheckpoint(
      given.note,
      await obtainLedgerKey(io, workspace, { client, given: values.key }),
    );
    const { items } = await client.call('listEntries', { query: { from: index, limit: 1 } });
    const entry = items.find((item) => item.index === index);
    if (entry === undefined || given.size !== size) throw new CliError('CLI_ANSWER_MISMATCH', { index });
    const envelope = fromBase64(entry.envelope);
    const hashes = given.hashes.map(fromHex);
    verifyInclusion({ index, size, leafHash: leafHash(envelope), proof: hashes, root });
    const written =
      values.out === undefined
        ? []
        : await writeProof(inFolder(io.cwd, values.out), envelope, {
            index,
            hashes,
            checkpoint: given.note,
          });
    return {
      json: { ...given, isIncluded: true, predicateType: entry.predicateType, subject: entry.subject },
      text: [
        `entry ${index} of ${size} is in the ledger: ${entry.predicateType} ${entry.subject}`,
        ...(written.length === 0 ? given.hashes : written),
      ],
    };
  },
});

const verify = defineCommand({
  summary: "fetch the whole ledger and verify every entry under the ledger's key",
  options: { ...KEY_OPTION, ...WORKSPACE_OPTION },
  example: 'pawl ledger verify',
  async run({ values, io }) {
    const workspace = await loadWorkspace(io, values.workspace);
    const client = await connect(workspace);
    const vkey = await obtainLedgerKey(io, workspace, { client, given: values.key });
    const report = verifyBundle(await client.call('exportBundle', {}), { vkey });
    const { checkpoint, counts } = report;
    return {
      json: { ...checkpoint, counts, isAuthentic: true },
      text: [`authentic: ${checkpoint.size} entries, root ${checkpoint.root}`],
    };
  },
});

const witnesses = defineCommand({
  summary: 'who is asked to cosign the ledger, and what came of it; exit code 1 when one says that it was rewritten',
  options: { ...WORKSPACE_OPTION },
  example: 'pawl ledger witnesses',
  async run({ values, io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const { items } = await client.call('listWitnesses', {});
    const isRewritten = items.some(({ state }) => state === 'forked' || state === 'set-back');
    const head = ['witness', 'state', 'entries', 'cosigned', 'why not'];
    const rows = items.map(({ name, state, size, cosignedAt, detail }) => [
      name,
      state,
      `${size}`,
      cosignedAt ?? '',
      detail,
    ]);
    return { json: items, text: renderTable(io.isTty, head, rows), exitCode: isRewritten ? 1 : 0 };
  },
});

function sayVerdict(found: LedgerVerdict): string {
  switch (found.verdict) {
    case 'same':
      return 'the same: both end at the same entry, with the same root';
    case 'grown':
      return `consistent: the newer one holds all of the older one and ${found.added} entries more`;
    case 'truncated':
      return `truncated: the newer one ends ${found.missing} entries before the older one, which were signed and are gone`;
    case 'reordered':
      return `reordered: the same entries stand in another order from entry ${found.at} on; the ledger key signed both`;
    case 'forked': {
      const where = found.at === undefined ? 'the roots differ' : `entry ${found.at} differs`;
      return `forked: the ledger key signed two histories; ${where}`;
    }
    case 'unproven':
      return 'not proven: nothing differs, but the newer one is a part; compare with a whole one';
  }
}

const compare = defineCommand({
  summary: 'whether a newer bundle goes on where an older one ended; exit code 1 when that is not proven',
  about: [
    'Both are verified first. Keep an old bundle in another place: a ledger that was changed since is found by it.',
  ],
  positionals: [
    { name: 'OLD', summary: 'the older bundle' },
    { name: 'NEW', summary: 'the newer bundle' },
  ],
  options: {
    key: {
      type: 'string',
      value: 'VKEY',
      summary: 'verification key of the ledger, as text or in a file',
      required: true,
    },
  },
  example: 'pawl ledger compare january.zip today.zip --key ledger.vkey',
  async run({ values, positionals: [older = '', newer = ''], io }) {
    const vkey = await readLedgerKey(io, values.key);
    const [oldBytes, newBytes] = [await readInput(inFolder(io.cwd, older)), await readInput(inFolder(io.cwd, newer))];
    const { older: before, newer: after, ...found } = compareBundles(oldBytes, newBytes, vkey);
    const isConsistent = found.verdict === 'same' || found.verdict === 'grown';
    return {
      json: { ...found, isConsistent, older: before.checkpoint, newer: after.checkpoint },
      text: [
        `${older}: ${before.checkpoint.size} entries, root ${before.checkpoint.root}`,
        `${newer}: ${after.checkpoint.size} entries, root ${after.checkpoint.root}`,
        sayVerdict(found),
      ],
      exitCode: isConsistent ? 0 : 1,
    };
  },
});

export const ledger: CommandGroup = {
  summary: 'what has happened, and the proof of it',
  commands: { show, export: exportBundle, proof, verify, compare, monitor, witness, witnesses },
};
