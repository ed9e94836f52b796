/**
 * `pawl ledger monitor`: looks at a live ledger from its tiles alone, and remembers the last checkpoint that it saw. Run again
 * and again somewhere else than the server, it finds a ledger that was rewritten, by whoever has its key. What is remembered
 * only ever moves on to what provably goes on from it.
 */
import { toHex } from '@pawl/core/bytes';
import {
  type LedgerVerdict,
  ProvenTiles,
  TILE_WIDTH,
  type VerifiedCheckpoint,
  verifyCheckpoint,
  verifyCosignatures,
} from '@pawl/core/evidence';
import { defineCommand } from '../frame/command.ts';
import { inFolder, isPresent, readText, writeOutput } from '../workspace/files.ts';
import { readLedgerKey } from '../workspace/ledger-key.ts';
import { LedgerSite } from '../workspace/ledger-tiles.ts';
import { cosignatureLines, readWitnessPolicy, WITNESS_OPTIONS } from '../workspace/witness-policy.ts';

type Seen = LedgerVerdict | { readonly verdict: 'first' };

function sayVerdict(found: Seen, now: VerifiedCheckpoint, before: VerifiedCheckpoint | undefined): string {
  const was = before?.size ?? 0;
  switch (found.verdict) {
    case 'first':
      return `remembered: ${now.size} entries; from now on the ledger is held to them`;
    case 'grown':
      return `consistent: all ${was} entries from before stand unchanged, and ${found.added} more`;
    case 'same':
      return `unchanged: ${now.size} entries`;
    case 'truncated':
      return `set back: the ledger showed ${was} entries and now shows ${now.size}; ${found.missing} that were signed are gone`;
    case 'forked':
    case 'reordered':
    case 'unproven':
      return `rewritten: the ${was} entries that the ledger key signed before are not those that it shows now`;
  }
}

/** Reads every entry that came since, each proven by its leaf. */
async function readEntries(tiles: ProvenTiles, from: number): Promise<number> {
  for (let bundle = Math.floor(from / TILE_WIDTH); bundle * TILE_WIDTH < tiles.size; bundle += 1)
    await tiles.entries(bundle);
  return tiles.size - from;
}

export const monitor = defineCommand({
  summary: 'hold a live ledger to what it showed before; exit code 1 when it was rewritten or set back',
  about: [
    'Reads C2SP tiles and trusts nobody: the key, the remembered checkpoint and the tiles prove it or do not.',
    'When they do not, what is remembered stays, and the other checkpoint is written beside it (FILE.conflict): the two',
    'together show anybody that the ledger key signed two histories.',
  ],
  positionals: [{ name: 'URL', summary: 'where the ledger is, such as https://pawl.example/tlog' }],
  options: {
    key: {
      type: 'string',
      value: 'VKEY',
      summary: 'verification key of the ledger, as text or in a file',
      required: true,
    },
    state: { type: 'string', value: 'FILE', summary: 'remembers the last checkpoint', required: true },
    entries: { type: 'boolean', summary: 'also fetch every entry that is new, and prove it' },
    'token-file': { type: 'string', value: 'FILE', summary: 'file with an API token that may read the ledger' },
    ...WITNESS_OPTIONS,
  },
  example: 'pawl ledger monitor https://pawl.example/tlog --key ledger.vkey --state ledger.seen',
  async run({ values, positionals: [url = ''], io }) {
    const vkey = await readLedgerKey(io, values.key);
    const policy = await readWitnessPolicy(io, values);
    const tokenFile = values['token-file'];
    const token = tokenFile === undefined ? undefined : (await readText(inFolder(io.cwd, tokenFile))).trim();
    const path = inFolder(io.cwd, values.state);
    const before = (await isPresent(path)) ? verifyCheckpoint(await readText(path), vkey) : undefined;

    const site = new LedgerSite(url, token);
    const note = await site.checkpoint();
    const now = verifyCheckpoint(note, vkey);
    const cosignatures = policy === undefined ? undefined : verifyCosignatures(note, vkey, policy);
    const tiles = new ProvenTiles(now, site.read);
    const grown = await tiles.compareWith(before ?? { size: 0, root: now.root });
    const found: Seen = before === undefined ? { verdict: 'first' } : grown;
    const isConsistent = found.verdict !== 'truncated' && found.verdict !== 'forked';
    const entriesProven = isConsistent && values.entries ? await readEntries(tiles, before?.size ?? 0) : undefined;
    await writeOutput(isConsistent ? path : `${path}.conflict`, note);
    return {
      json: { ...found, isConsistent, size: now.size, root: toHex(now.root), entriesProven, cosignatures },
      text: [
        sayVerdict(found, now, before),
        `${now.size} entries, root ${toHex(now.root)}`,
        ...cosignatureLines(cosignatures),
        ...(entriesProven === undefined ? [] : [`${entriesProven} entries read and proven`]),
        ...(isConsistent ? [] : [`keep both as evidence: ${values.state} and ${values.state}.conflict`]),
      ],
      exitCode: isConsistent ? 0 : 1,
    };
  },
});
