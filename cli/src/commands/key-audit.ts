/** `pawl key audit`: what the keys did, by the signing log, and what does not fit together. */
import { type AuditedKey, auditSignings, type SigningAudit, writeBundle } from '@pawl/core/evidence';
import { signingKeyOf } from '@pawl/core/keys';
import { defineCommand, type Io, type Outcome } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { type Cell, renderTable } from '../frame/table.ts';
import { inFolder, readText, writeOutput } from '../workspace/files.ts';
import { findSignatures } from '../workspace/found-signatures.ts';
import { listNamedKeys, loadNamedKey } from '../workspace/keyring.ts';
import { LOG_KEY_NAME, readSigningLog } from '../workspace/signing-log.ts';
import { loadWorkspace, WORKSPACE_OPTION, type Workspace } from '../workspace/workspace.ts';

function parseSince(text: string): Date {
  const date = new Date(text);
  const isDay = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d{3})?Z)?$/.test(text) && !Number.isNaN(date.getTime());
  if (!isDay) throw new CliError('CLI_USAGE', { option: '--since', value: text, expected: 'a day as 2026-01-31' });
  return date;
}

type Report = SigningAudit & { readonly log: { readonly vkey: string; readonly checkpoint: string } };
type Asked = {
  readonly since: Date | undefined;
  readonly kept: string | undefined;
  readonly exported: string | undefined;
};

async function audit(io: Io, workspace: Workspace, { since, kept, exported }: Asked): Promise<Report> {
  const log = await readSigningLog(workspace, kept);
  if (log === undefined) throw new CliError('CLI_SIGNING_LOG_MISSING', { dir: workspace.dir });
  const named = [...(await listNamedKeys(workspace)), await loadNamedKey(workspace, LOG_KEY_NAME)];
  const keys = named.map(({ name, file }) => ({ ...file, name }));
  const own = keys.filter(({ role }) => role !== 'line').map((key) => ({ id: key.id, publicKey: signingKeyOf(key) }));
  const { found, unreadable } = await findSignatures(workspace, own);
  const report = auditSignings({ records: log.records, keys, found, now: io.now(), since });
  if (exported !== undefined) {
    const { checkpoint, vkey, envelopes } = log;
    await writeOutput(exported, writeBundle({ kind: 'complete', checkpoint, vkey, entries: envelopes }));
  }
  const untold = unreadable.map((where) => ({ code: 'unreadable' as const, keyId: '', detail: where }));
  return {
    ...report,
    anomalies: [...report.anomalies, ...untold],
    log: { vkey: log.vkey, checkpoint: log.checkpoint },
  };
}

function rowOf(key: AuditedKey): Cell[] {
  const day = (time: string | null): string => time?.slice(0, 10) ?? '-';
  const signings = key.failures === 0 ? String(key.signings) : `${key.signings} (${key.failures} failed)`;
  const name = key.isPresent ? key.name : { text: `${key.name} (gone)`, tone: 'quiet' as const };
  return [
    name,
    key.role,
    key.custody,
    day(key.createdAt),
    day(key.expiresAt),
    signings,
    day(key.lastUsedAt),
    key.purpose ?? '',
  ];
}

function outcomeOf(io: Io, report: Report): Outcome {
  const head = ['key', 'role', 'custody', 'created', 'ends', 'signings', 'last used', 'purpose'];
  const { anomalies, entries, keys } = report;
  const told = anomalies.map(({ code, keyId, index, detail }): Cell[] => [
    { text: code, tone: 'bad' },
    index === undefined ? '' : `entry ${index}`,
    keys.find(({ id }) => id === keyId)?.name ?? keyId.slice(0, 16),
    detail,
  ]);
  return {
    json: report,
    text: [
      `${entries} entries of the signing log, all verified`,
      ...renderTable(io.isTty, head, keys.map(rowOf)),
      ...(told.length === 0
        ? ['nothing that does not fit']
        : renderTable(io.isTty, ['what', 'where', 'key', 'detail'], told)),
    ],
    exitCode: told.length === 0 ? 0 : 1,
  };
}

export const auditKeys = defineCommand({
  summary: 'verify the signing log, and report what each key did',
  about: [
    'Each signature and each change of a key is entered in the signing log before it is made. The audit verifies the chain,',
    'and looks for what does not fit: a signature in the workspace without its entry, a key outside its role or after its end,',
    'a key that came from nowhere, a clock that went back. It exits with 1 when it finds any.',
    'The log cannot prove that its own end was not cut off together with its checkpoint: keep a copy of the checkpoint',
    'elsewhere, and give it with --checkpoint.',
  ],
  options: {
    since: { type: 'string', value: 'DATE', summary: 'report from this day on (everything is verified)' },
    checkpoint: { type: 'string', value: 'FILE', summary: 'a checkpoint of this log that was kept elsewhere' },
    export: {
      type: 'string',
      value: 'FILE',
      summary: 'write the log as a bundle, for "pawl verify FILE --key log.vkey"',
    },
    ...WORKSPACE_OPTION,
  },
  example: 'pawl key audit --since 2026-01-01',
  async run({ values, io }) {
    const workspace = await loadWorkspace(io, values.workspace);
    const report = await audit(io, workspace, {
      since: values.since === undefined ? undefined : parseSince(values.since),
      kept: values.checkpoint === undefined ? undefined : await readText(inFolder(io.cwd, values.checkpoint)),
      exported: values.export === undefined ? undefined : inFolder(io.cwd, values.export),
    });
    return outcomeOf(io, report);
  },
});
