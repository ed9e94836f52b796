/**
 * `pawl login`: exchanges a one-time claim for an API token. Whoever may publish also gets the trust made, if the workspace
 * has the keys for it and no trust yet; everybody else needs neither keys nor a workspace that was made before.
 */
import { defineCommand } from '../frame/command.ts';
import { connect, establishTrust, login as loginTo, parseClaimLink } from '../workspace/connection.ts';
import { listNamedKeys } from '../workspace/keyring.ts';
import { obtainPassphrase, PASSPHRASE_OPTION } from '../workspace/passphrase.ts';
import { hasTrust } from '../workspace/trust-store.ts';
import { loadOrNew, WORKSPACE_OPTION } from '../workspace/workspace.ts';

export const login = defineCommand({
  summary: 'log this workspace in to a server',
  positionals: [{ name: 'LINK', summary: 'the one-time link that "pawl serve" printed' }],
  options: {
    'without-trust': { type: 'boolean', summary: 'make no trust: several people will, with "pawl trust begin"' },
    ...PASSPHRASE_OPTION,
    ...WORKSPACE_OPTION,
  },
  example: "pawl login 'http://127.0.0.1:8080/#claim=...'",
  async run({ values, positionals: [given = ''], io }) {
    const link = parseClaimLink(given);
    const before = await loadOrNew(io, values.workspace);
    const isMissing = !(await hasTrust(before.dir));
    const isMakable = (await listNamedKeys(before)).some(({ name }) => name === 'root');
    const isMade = isMissing && isMakable && !values['without-trust'];
    // Asked for before the claim is used up: a claim works once.
    const passphrase = isMade ? await obtainPassphrase(io, values['passphrase-file']) : '';
    const workspace = await loginTo(before, link, 'pawl login');
    const { person, label, permissions } = await (await connect(workspace)).call('getMe', {});
    const text = [`logged in to ${link.server} as ${person?.name ?? label} (${person?.roles.join(', ') ?? ''})`];
    const json = { server: link.server, roles: person?.roles ?? [] };
    if (!permissions.includes('release:write')) return { json: { ...json, isTrustNew: false }, text };
    if (isMissing && !isMade)
      return { json: { ...json, isTrustNew: false }, text: [...text, 'Next: pawl trust begin'] };
    const { isNew } = await establishTrust(workspace, passphrase, io.now());
    const made = isNew ? 'trust made and handed in' : 'trust handed in';
    return { json: { ...json, isTrustNew: isNew }, text: [...text, made] };
  },
});
