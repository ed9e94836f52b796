/** `pawl login`: exchanges a one-time claim for an API token, and makes the trust if the workspace has none yet. */
import { defineCommand } from '../frame/command.ts';
import { establishTrust, login as loginTo, parseClaimLink } from '../workspace/connection.ts';
import { obtainPassphrase, PASSPHRASE_OPTION } from '../workspace/passphrase.ts';
import { hasTrust } from '../workspace/trust-store.ts';
import { loadWorkspace, WORKSPACE_OPTION } from '../workspace/workspace.ts';

export const login = defineCommand({
  summary: 'log this workspace in to a server',
  positionals: [{ name: 'LINK', summary: 'the one-time link that "pawl serve" printed' }],
  options: {
    'without-trust': { type: 'boolean', summary: 'make no trust: several people will, with "pawl trust begin"' },
    ...PASSPHRASE_OPTION,
    ...WORKSPACE_OPTION,
  },
  example: "pawl login 'http://127.0.0.1:8080/#claim=...'",
  async run({ values, positionals: [text = ''], io }) {
    const link = parseClaimLink(text);
    const before = await loadWorkspace(io, values.workspace);
    // Asked for before the claim is used up: a claim works once.
    const isMissing = !(await hasTrust(before.dir));
    const isLater = isMissing && values['without-trust'];
    const passphrase = isMissing && !isLater ? await obtainPassphrase(io, values['passphrase-file']) : '';
    const workspace = await loginTo(before, link, 'pawl login');
    if (isLater) {
      const text = [`logged in to ${link.server}`, 'Next: pawl trust begin'];
      return { json: { server: link.server, isTrustNew: false }, text };
    }
    const { isNew } = await establishTrust(workspace, passphrase, io.now());
    return {
      json: { server: link.server, isTrustNew: isNew },
      text: [`logged in to ${link.server}`, isNew ? 'trust made and handed in' : 'trust handed in'],
    };
  },
});
