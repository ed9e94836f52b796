/** `pawl disclosure`: how reports of vulnerabilities come in: security.txt, the policy page, the form. */
import type { DisclosurePolicy } from '@pawl/contract/management';
import { fromUtf8 } from '@pawl/core/bytes';
import { type CommandGroup, defineCommand } from '../frame/command.ts';
import { connect } from '../workspace/connection.ts';
import { inFolder, readInput } from '../workspace/files.ts';
import { loadWorkspace, parseNumber, WORKSPACE_OPTION } from '../workspace/workspace.ts';

const linesOf = (policy: DisclosurePolicy): string[] => [
  ...policy.contacts.map((one) => `contact      ${one}`),
  `expires      ${policy.expiresAt}`,
  `promised     answer in ${policy.days.acknowledge} days, assessment in ${policy.days.assess}, disclosure in ${policy.days.disclose}`,
  `form         ${policy.isFormOpen ? 'open' : 'closed'}`,
];

const show = defineCommand({
  summary: 'show how reports come in',
  options: WORKSPACE_OPTION,
  example: 'pawl disclosure show',
  async run({ values, io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const { policy } = await client.call('getDisclosurePolicy', {});
    return { json: policy, text: policy === null ? ['no policy is set: `pawl disclosure set`'] : linesOf(policy) };
  },
});

const set = defineCommand({
  summary: 'publish security.txt and the policy page, and open or close the form',
  about: ['Set it again before it expires; the server serves no security.txt that has.'],
  options: {
    contact: { type: 'string', value: 'URI', summary: 'mailto:, https: or tel:, best first', multiple: true },
    expires: {
      type: 'string',
      value: 'TIME',
      summary: 'less than a year ahead, as 2027-06-30T00:00:00Z',
      required: true,
    },
    text: { type: 'string', value: 'FILE', summary: 'what the policy page says', required: true },
    language: { type: 'string', value: 'TAG', summary: 'in which reports may be written, as en', multiple: true },
    policy: { type: 'string', value: 'URL', summary: 'the policy, if it is not the page of this server' },
    encryption: { type: 'string', value: 'URL', summary: 'a key to encrypt reports with' },
    acknowledgments: { type: 'string', value: 'URL', summary: 'who has reported before' },
    csaf: { type: 'string', value: 'URL', summary: 'the provider-metadata.json of the advisories' },
    'acknowledge-days': { type: 'string', value: 'N', summary: 'days to the first answer', default: '7' },
    'assess-days': { type: 'string', value: 'N', summary: 'days to the assessment', default: '30' },
    'disclose-days': { type: 'string', value: 'N', summary: 'days to the disclosure', default: '90' },
    form: { type: 'boolean', summary: 'let anybody send a report by the form of the server' },
    ...WORKSPACE_OPTION,
  },
  example:
    'pawl disclosure set --contact mailto:psirt@example.com --expires 2027-06-30T00:00:00Z --text policy.txt --form',
  async run({ values, io }) {
    const text = fromUtf8(await readInput(inFolder(io.cwd, values.text)))
      .replace(/\r\n?/g, '\n')
      .trim();
    const client = await connect(await loadWorkspace(io, values.workspace));
    const days = (name: 'acknowledge-days' | 'assess-days' | 'disclose-days') =>
      Number(parseNumber(values[name], `--${name}`));
    const policy = await client.call('putDisclosurePolicy', {
      body: {
        contacts: [...values.contact],
        expiresAt: values.expires,
        languages: [...values.language],
        ...(values.policy === undefined ? {} : { policyUrl: values.policy }),
        ...(values.encryption === undefined ? {} : { encryptionUrl: values.encryption }),
        ...(values.acknowledgments === undefined ? {} : { acknowledgmentsUrl: values.acknowledgments }),
        ...(values.csaf === undefined ? {} : { csafUrl: values.csaf }),
        text,
        days: { acknowledge: days('acknowledge-days'), assess: days('assess-days'), disclose: days('disclose-days') },
        isFormOpen: values.form,
      },
    });
    return { json: policy, text: linesOf(policy) };
  },
});

export const disclosure: CommandGroup = { summary: 'how reports of weaknesses come in', commands: { show, set } };
