/** `pawl device offer`, `take` and `withdraw`: devices go to another tenant of the server by a one-time code. */
import { defineCommand } from '../frame/command.ts';
import { connect } from '../workspace/connection.ts';
import { loadWorkspace, parseNumber, WORKSPACE_OPTION } from '../workspace/workspace.ts';

export const offer = defineCommand({
  summary: 'offer devices to another tenant; whoever has the code takes them there',
  positionals: [{ name: 'NAME', summary: 'devices (controller ids)', multiple: true }],
  options: {
    'valid-for': { type: 'string', value: 'SECONDS', summary: 'how long', default: '86400' },
    ...WORKSPACE_OPTION,
  },
  example: 'pawl device offer kettle-17 kettle-18',
  async run({ values, positionals: controllerIds, io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const validForS = Number(parseNumber(values['valid-for'], '--valid-for'));
    const made = await client.call('offerDevices', { body: { controllerIds: [...controllerIds], validForS } });
    return {
      json: made,
      text: [
        `offer ${made.id}: ${made.devices} devices`,
        `code ${made.code}`,
        `shown this once, good until ${made.expiresAt}; in the other tenant: pawl device take CODE`,
      ],
    };
  },
});

export const take = defineCommand({
  summary: 'take the devices of an offer into this tenant, all or none',
  positionals: [{ name: 'CODE', summary: 'from "pawl device offer" of the other tenant' }],
  options: {
    line: { type: 'string', value: 'NAME', summary: 'product line of this tenant' },
    ...WORKSPACE_OPTION,
  },
  example: 'pawl device take CODE --line kettle',
  async run({ values, positionals: [code = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const line = values.line === undefined ? {} : { line: values.line };
    const taken = await client.call('takeDevices', { body: { code, ...line } });
    return { json: taken, text: [`from ${taken.from}: ${taken.controllerIds.join(' ')}`] };
  },
});

export const withdraw = defineCommand({
  summary: 'take an offer back that nobody took',
  positionals: [{ name: 'NUMBER', summary: 'of the offer' }],
  options: WORKSPACE_OPTION,
  example: 'pawl device withdraw 3',
  async run({ values, positionals: [id = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    await client.call('withdrawOffer', { params: { id: Number(parseNumber(id, 'NUMBER')) } });
    return { json: { id, isWithdrawn: true }, text: [`offer ${id} is withdrawn`] };
  },
});
