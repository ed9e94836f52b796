/** `pawl events`: what happened, and with `--follow` what happens. */
import { EVENT_TYPES, type PawlEvent } from '@pawl/contract/management';
import { defineCommand, type Io } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { connect } from '../workspace/connection.ts';
import { loadWorkspace, parseNumber, WORKSPACE_OPTION } from '../workspace/workspace.ts';

function show(io: Io, event: PawlEvent): void {
  if (io.isJson) io.printJson(event);
  else
    io.print(`${event.id.padStart(6)}  ${event.time}  ${event.type}  ${event.subject}  ${JSON.stringify(event.data)}`);
}

export const events = defineCommand({
  summary: 'what happened on the server; --follow goes on with what happens',
  options: {
    follow: { type: 'boolean', summary: 'go on until interrupted' },
    after: { type: 'string', value: 'ID', summary: 'only what came after this event' },
    type: { type: 'string', value: 'TYPE', summary: 'only events of this type' },
    line: { type: 'string', value: 'NAME', summary: 'only events of this product line' },
    ...WORKSPACE_OPTION,
  },
  example: 'pawl events --follow --type pawl.rollout.halted',
  async run({ values, io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const type = EVENT_TYPES.find((known) => known === values.type);
    if (values.type !== undefined && type === undefined)
      throw new CliError('CLI_USAGE', { type: values.type, expected: EVENT_TYPES.join(', ') });
    const line = values.line;
    let after = values.after === undefined ? undefined : String(parseNumber(values.after, '--after'));
    for (let isMore = true; isMore; ) {
      const page = await client.call('listEvents', { query: { after, type, line } });
      for (const event of page.items) show(io, event);
      isMore = page.last !== after;
      after = page.last;
    }
    if (values.follow)
      for await (const event of client.follow({ type, line }, { after, signal: io.signal })) show(io, event);
    return {};
  },
});
