/** `pawl init`: a workspace with one key for each role of the operator, and the trust as soon as there is a server. */
import { join } from 'node:path';
import type { KeyRole } from '@pawl/core/keys';
import { defineCommand } from '../frame/command.ts';
import { renderTable } from '../frame/table.ts';
import { establishTrust, login, parseClaimLink } from '../workspace/connection.ts';
import { assertAbsent, inFolder } from '../workspace/files.ts';
import { createNamedKey, lineKeyName, type NewKey } from '../workspace/keyring.ts';
import { obtainPassphrase, PASSPHRASE_OPTION } from '../workspace/passphrase.ts';
import { parseLineName, saveConfig, type Workspace } from '../workspace/workspace.ts';

type Plan = Pick<NewKey, 'name' | 'role' | 'algorithm' | 'purpose'>;

function keyPlan(line: string): Plan[] {
  const signing = (role: KeyRole, purpose: string): Plan => ({ name: role, role, algorithm: 'ESP256', purpose });
  return [
    signing('root', 'says which keys hold the other roles; keep it offline'),
    signing('release', 'lists the releases that devices may install'),
    signing('image', 'signs the envelope of each release'),
    { name: lineKeyName(line), role: 'line', algorithm: 'ECDH-P256', purpose: `lets devices of ${line} decrypt` },
  ];
}

export const init = defineCommand({
  summary: 'make a workspace: keys by role, and the trust of its devices',
  about: [
    'With --server (the link that "pawl serve" printed) it also logs in, makes root and targets with the online keys of',
    'that server in them, and hands them in. Without it, "pawl login" does that later.',
  ],
  positionals: [{ name: 'DIR', summary: 'the folder (else this one)', optional: true }],
  options: {
    line: { type: 'string', value: 'NAME', summary: 'the product line', required: true },
    'vendor-domain': {
      type: 'string',
      value: 'DOMAIN',
      summary: 'a domain name of yours; makes the vendor id',
      required: true,
    },
    'class-info': {
      type: 'string',
      value: 'TEXT',
      summary: 'the hardware that the images are for; makes the class id',
      required: true,
    },
    server: { type: 'string', value: 'LINK', summary: 'claim link of the server' },
    ...PASSPHRASE_OPTION,
  },
  example: "pawl init fleet --line kettle --vendor-domain kettles.example --class-info 'kettle board 2'",
  async run({ values, positionals: [folder = '.'], io }) {
    const dir = inFolder(io.cwd, folder);
    const line = parseLineName(values.line);
    const link = values.server === undefined ? undefined : parseClaimLink(values.server);
    await assertAbsent(join(dir, 'pawl.json'));
    const passphrase = await obtainPassphrase(io, values['passphrase-file'], { isNew: true });
    const createdAt = io.now();
    const lineConfig = { vendorDomain: values['vendor-domain'], classInfo: values['class-info'] };
    let workspace: Workspace = {
      dir,
      config: { pawl: 1, tokenFile: 'token', lines: { [line]: lineConfig } },
      host: io,
    };
    const keys = await Promise.all(
      keyPlan(line).map((plan) => createNamedKey(workspace, { ...plan, passphrase, createdAt })),
    );
    await saveConfig(workspace);
    if (link !== undefined) {
      workspace = await login(workspace, link, 'pawl init');
      await establishTrust(workspace, passphrase, createdAt);
    }
    const made = keys.map(({ name, path, file }) => ({ name, role: file.role, id: file.id, path }));
    return {
      json: { dir, line, keys: made, server: workspace.config.server ?? null },
      text: [
        `made workspace ${dir} for line ${line}`,
        ...renderTable(
          io.isTty,
          ['private key', 'sealed in'],
          made.map(({ name, path }) => [name, path]),
        ),
        'The private keys are sealed with your passphrase. Copy keys/ to a safe place: without root there is no new root.',
        link === undefined ? 'Next: pawl serve, then pawl login LINK' : `Trust made and handed in to ${link.server}`,
      ],
    };
  },
});
