/** `pawl webhook`: where events are posted to, and what could not be delivered. */
import type { EventType, Webhook } from '@pawl/contract/management';
import { EVENT_TYPES } from '@pawl/contract/management';
import { type CommandGroup, defineCommand } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { renderTable } from '../frame/table.ts';
import { connect } from '../workspace/connection.ts';
import { allPages } from '../workspace/pages.ts';
import { loadWorkspace, parseNumber, WORKSPACE_OPTION } from '../workspace/workspace.ts';

const NUMBER = { name: 'NUMBER', summary: 'the number of the webhook, from `pawl webhook list`' } as const;

function parseTypes(names: readonly string[]): { types?: [EventType, ...EventType[]] } {
  const types = names.map((name) => {
    const type = EVENT_TYPES.find((known) => known === name);
    if (type === undefined) throw new CliError('CLI_USAGE', { type: name, expected: EVENT_TYPES.join(', ') });
    return type;
  });
  const [first, ...rest] = types;
  return first === undefined ? {} : { types: [first, ...rest] };
}

const idOf = (text: string): { id: number } => ({ id: Number(parseNumber(text, 'NUMBER')) });

const secretLines = (secret: string): string[] => [
  secret,
  'shown this once: give it to the receiver, to check signatures',
];

const add = defineCommand({
  summary: 'post events to an address from now on',
  positionals: [{ name: 'URL', summary: 'https address of the receiver' }],
  options: {
    type: { type: 'string', value: 'TYPE', summary: 'only events of this type', multiple: true },
    line: { type: 'string', value: 'NAME', summary: 'only events of this product line' },
    ...WORKSPACE_OPTION,
  },
  example: 'pawl webhook add https://ops.example/pawl --type pawl.rollout.halted',
  async run({ values, positionals: [url = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const line = values.line === undefined ? {} : { line: values.line };
    const made = await client.call('createWebhook', { body: { url, ...line, ...parseTypes(values.type) } });
    return { json: made, text: [`webhook ${made.id}`, ...secretLines(made.secret)] };
  },
});

const list = defineCommand({
  summary: 'the webhooks, and how their deliveries go',
  options: WORKSPACE_OPTION,
  example: 'pawl webhook list',
  async run({ values, io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const { items } = await client.call('listWebhooks', {});
    const rows = items.map(({ id, url, state, delivered, attempts, lastOutcome }) => [
      String(id),
      url,
      state,
      delivered,
      String(attempts),
      lastOutcome ?? '-',
    ]);
    return { json: items, text: renderTable(io.isTty, ['no.', 'url', 'state', 'up to', 'tries', 'last'], rows) };
  },
});

/** Sets the state and leaves the rest as it is. */
const setState = (state: 'active' | 'paused', summary: string, verb: string) =>
  defineCommand({
    summary,
    positionals: [NUMBER],
    options: WORKSPACE_OPTION,
    example: `pawl webhook ${verb} 1`,
    async run({ values, positionals: [number = ''], io }) {
      const client = await connect(await loadWorkspace(io, values.workspace));
      const params = idOf(number);
      const { value, etag: ifMatch } = await client.read('getWebhook', { params });
      const { url, types, line }: Webhook = value;
      const kept = { url, ...parseTypes(types ?? []), ...(line === null ? {} : { line }) };
      const changed = await client.call('putWebhook', { params, ifMatch, body: { ...kept, state } });
      return { json: changed, text: [`webhook ${changed.id} is ${changed.state}`] };
    },
  });

const remove = defineCommand({
  summary: 'forget a webhook and its dead letters',
  positionals: [NUMBER],
  options: WORKSPACE_OPTION,
  example: 'pawl webhook remove 1',
  async run({ values, positionals: [number = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    await client.call('deleteWebhook', { params: idOf(number) });
    return { json: { ...idOf(number), isRemoved: true }, text: [`webhook ${number} is removed`] };
  },
});

const rotate = defineCommand({
  summary: 'a new secret; the old one signs as well for a day',
  positionals: [NUMBER],
  options: WORKSPACE_OPTION,
  example: 'pawl webhook rotate 1',
  async run({ values, positionals: [number = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const rotated = await client.call('rotateWebhookSecret', { params: idOf(number), body: {} });
    return {
      json: rotated,
      text: [...secretLines(rotated.secret), `the old one is good until ${rotated.previousUntil}`],
    };
  },
});

const dead = defineCommand({
  summary: 'events that were given up; --redeliver sends them once more',
  positionals: [NUMBER],
  options: { redeliver: { type: 'boolean', summary: 'send all of them once more' }, ...WORKSPACE_OPTION },
  example: 'pawl webhook dead 1 --redeliver',
  async run({ values, positionals: [number = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const params = idOf(number);
    if (values.redeliver) {
      const { queued } = await client.call('redeliver', { params, body: {} });
      return { json: { queued }, text: [`${queued} to be delivered once more`] };
    }
    const letters = await allPages((at) => client.call('listDeadLetters', { params, query: at }));
    const rows = letters.map(({ eventId, type, attempts, lastOutcome, diedAt }) => [
      eventId,
      type,
      String(attempts),
      lastOutcome,
      diedAt,
    ]);
    return { json: letters, text: renderTable(io.isTty, ['event', 'type', 'tries', 'last', 'given up'], rows) };
  },
});

export const webhook: CommandGroup = {
  summary: 'where events are posted to',
  commands: {
    add,
    list,
    pause: setState('paused', 'post nothing until resumed; nothing is lost meanwhile', 'pause'),
    resume: setState('active', 'go on from where it was', 'resume'),
    rotate,
    dead,
    remove,
  },
};
