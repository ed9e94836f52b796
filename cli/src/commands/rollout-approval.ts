/** `pawl rollout approval|approve|withdraw|deny|return`: what people say before a rollout starts, and the way back. */
import { createHash } from 'node:crypto';
import type { RolloutApproval } from '@pawl/contract/management';
import { toBase64 } from '@pawl/core/bytes';
import { encodeEnvelope, newStatement, signStatement } from '@pawl/core/evidence';
import { type CommandGroup, defineCommand, type Outcome } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { connect } from '../workspace/connection.ts';
import { openSigningKey } from '../workspace/keyring.ts';
import { obtainPassphrase, PASSPHRASE_OPTION } from '../workspace/passphrase.ts';
import { chooseLine, loadWorkspace, parseNumber, parseVersion, WORKSPACE_OPTION } from '../workspace/workspace.ts';
import { releaseIdOf } from './release-id.ts';
import { describeVerdicts } from './rollout-view.ts';

const ID = { name: 'ID', summary: 'the number of the rollout' } as const;
const idOf = (text: string): number => Number(parseNumber(text, 'ID'));

function describe(approval: RolloutApproval): Outcome {
  const { rolloutId, digest, document } = approval;
  return {
    json: approval,
    text: [`rollout ${rolloutId}`, ...describeVerdicts(approval), `digest ${digest}`, document],
  };
}

/** What is signed is what is shown: the digest is made here, of the document. @throws CliError CLI_RELEASE_MISMATCH */
function checkDigest({ document, digest }: RolloutApproval): void {
  const actual = createHash('sha256').update(document).digest('hex');
  if (actual !== digest) throw new CliError('CLI_RELEASE_MISMATCH', { member: 'digest', expected: digest, actual });
}

const approval = defineCommand({
  summary: 'show what exactly is to be approved, and what people said',
  positionals: [ID],
  options: WORKSPACE_OPTION,
  example: 'pawl rollout approval 3',
  async run({ values, positionals: [id = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    return describe(await client.call('getApproval', { params: { id: idOf(id) } }));
  },
});

const approve = defineCommand({
  summary: 'approve a rollout exactly as it is, signed with a key that is registered for you',
  about: ['Look at it first: pawl rollout approval ID. Its author does not approve it, and nobody approves twice.'],
  positionals: [ID],
  options: {
    key: { type: 'string', value: 'NAME', summary: 'your approval key', required: true },
    ...PASSPHRASE_OPTION,
    ...WORKSPACE_OPTION,
  },
  example: 'pawl rollout approve 3 --key approver',
  async run({ values, positionals: [text = ''], io }) {
    const workspace = await loadWorkspace(io, values.workspace);
    const client = await connect(workspace);
    const params = { id: idOf(text) };
    const asked = await client.call('getApproval', { params });
    checkDigest(asked);
    const passphrase = await obtainPassphrase(io, values['passphrase-file']);
    const signer = await openSigningKey(workspace, values.key, passphrase);
    const statement = newStatement({
      predicateType: 'urn:pawl:approval:1',
      subject: [{ name: `rollout/${params.id}`, digest: { sha256: asked.digest } }],
      predicate: { rolloutId: params.id, at: io.now().toISOString() },
    });
    const envelope = toBase64(encodeEnvelope(await signStatement(statement, signer)));
    const signature = { kind: 'statement' as const, envelope };
    return describe(await client.call('approveRollout', { params, body: { signature } }));
  },
});

const withdraw = defineCommand({
  summary: 'take back your own approval, as long as the rollout has not started',
  positionals: [ID],
  options: WORKSPACE_OPTION,
  example: 'pawl rollout withdraw 3',
  async run({ values, positionals: [id = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    return describe(await client.call('withdrawApproval', { params: { id: idOf(id) } }));
  },
});

const deny = defineCommand({
  summary: 'say no to a rollout: it will not start',
  positionals: [ID],
  options: { reason: { type: 'string', value: 'TEXT', summary: 'why', required: true }, ...WORKSPACE_OPTION },
  example: 'pawl rollout deny 3 --reason "not before the holidays"',
  async run({ values, positionals: [id = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const body = { reason: values.reason };
    return describe(await client.call('denyRollout', { params: { id: idOf(id) }, body }));
  },
});

const back = defineCommand({
  summary: 'bring the devices that took a bad release forward to a newer one',
  positionals: [ID],
  options: {
    version: {
      type: 'string',
      value: 'X.Y.Z',
      summary: 'the newer release: good content, sealed anew',
      required: true,
    },
    line: { type: 'string', value: 'NAME', summary: 'product line (may be left out when there is only one)' },
    ...WORKSPACE_OPTION,
  },
  example: 'pawl rollout return 3 --version 1.4.1',
  async run({ values, positionals: [id = ''], io }) {
    const workspace = await loadWorkspace(io, values.workspace);
    const client = await connect(workspace);
    const releaseId = await releaseIdOf(client, chooseLine(workspace, values.line), parseVersion(values.version));
    const made = await client.call('returnRollout', { params: { id: idOf(id) }, body: { releaseId } });
    const text = [`rollout ${made.id} brings ${made.devices} devices back from rollout ${id}`];
    return { json: made, text: [...text, `Next: pawl rollout start ${made.id}`] };
  },
});

export const APPROVAL_COMMANDS: CommandGroup['commands'] = { approval, approve, withdraw, deny, return: back };
