/** `pawl device set` and `tag`: what operators write of devices. */
import { defineCommand } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { connect } from '../workspace/connection.ts';
import { loadWorkspace, WORKSPACE_OPTION } from '../workspace/workspace.ts';

const NAME = { name: 'NAME', summary: 'the name of the device (controller id)' } as const;

/** `site=Berlin` sets, `site=` takes away. */
function parseAttributes(texts: readonly string[]): Record<string, string | null> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=');
      if (at < 1) throw new CliError('CLI_USAGE', { attribute: text, expected: 'NAME=VALUE' });
      return [text.slice(0, at), text.slice(at + 1) === '' ? null : text.slice(at + 1)];
    }),
  );
}

export const set = defineCommand({
  summary: 'change model, line, tags or attributes of a device; what is not named stays',
  positionals: [NAME],
  options: {
    model: { type: 'string', value: 'NAME', summary: 'hardware model' },
    line: { type: 'string', value: 'NAME', summary: 'product line' },
    tag: { type: 'string', value: 'TAG', summary: 'all tags of the device, in place of those it has', multiple: true },
    attribute: {
      type: 'string',
      value: 'NAME=VALUE',
      summary: 'set one; without a value, take it away',
      multiple: true,
    },
    ...WORKSPACE_OPTION,
  },
  example: 'pawl device set kettle-17 --attribute site=Berlin',
  async run({ values, positionals: [controllerId = ''], io }) {
    const { model, line } = values;
    const body = {
      ...(model === undefined ? {} : { model }),
      ...(line === undefined ? {} : { line }),
      ...(values.tag.length === 0 ? {} : { tags: [...values.tag] }),
      ...(values.attribute.length === 0 ? {} : { attributes: parseAttributes(values.attribute) }),
    };
    const client = await connect(await loadWorkspace(io, values.workspace));
    const device = await client.call('changeDevice', { params: { controllerId }, body });
    const attributes = Object.entries(device.operatorAttributes).map(([name, value]) => `${name}=${value}`);
    const facts = [`model ${device.model}`, `line ${device.line ?? '-'}`, `tags ${device.tags.join(' ')}`];
    return { json: device, text: [controllerId, ...facts, ...attributes] };
  },
});

export const tag = defineCommand({
  summary: 'add and remove tags of every device that a filter names',
  positionals: [{ name: 'FILTER', summary: 'which devices' }],
  options: {
    add: { type: 'string', value: 'TAG', summary: 'a tag more', multiple: true },
    remove: { type: 'string', value: 'TAG', summary: 'a tag less', multiple: true },
    ...WORKSPACE_OPTION,
  },
  example: "pawl device tag 'version<1.4 line:kettle' --add overdue",
  async run({ values, positionals: [filter = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const body = { filter, add: [...values.add], remove: [...values.remove] };
    const { devices } = await client.call('tagDevices', { body });
    return { json: { devices }, text: [`${devices} devices changed`] };
  },
});
