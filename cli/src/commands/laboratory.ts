/** `pawl laboratory`: laboratories as you know them. Nothing in the directory comes with the product. */
import type { LaboratoryDirectory } from '@pawl/contract/management';
import { type CommandGroup, defineCommand } from '../frame/command.ts';
import { renderTable } from '../frame/table.ts';
import { connect } from '../workspace/connection.ts';
import { inFolder, readText } from '../workspace/files.ts';
import { loadWorkspace, WORKSPACE_OPTION } from '../workspace/workspace.ts';

function tableOf({ laboratories }: Pick<LaboratoryDirectory, 'laboratories'>, isTty: boolean): string[] {
  const rows = laboratories.map((one) => [
    one.id,
    one.name,
    one.country,
    `${one.leadTimeWeeks} weeks`,
    one.capabilities.join(', '),
    one.editions.join(', '),
    one.notifiedBody === undefined ? '-' : `${one.notifiedBody.number} (${one.notifiedBody.law})`,
    `${one.source}, ${one.verifiedOn}`,
  ]);
  const head = ['id', 'name', 'country', 'lead time', 'capabilities', 'editions', 'notified body', 'source'];
  return renderTable(isTty, head, rows);
}

const importFile = defineCommand({
  summary: 'write the directory down from YAML or CSV; a fault is said with its line',
  about: ['Each laboratory with who said so and when that was looked at; the directory before it is kept.'],
  positionals: [{ name: 'FILE', summary: 'the laboratories' }],
  options: WORKSPACE_OPTION,
  example: 'pawl laboratory import laboratories.csv',
  async run({ values, positionals: [file = ''], io }) {
    const { parseLaboratories } = await import('@pawl/compliance/testing');
    const laboratories = parseLaboratories(await readText(inFolder(io.cwd, file)), file);
    const client = await connect(await loadWorkspace(io, values.workspace));
    const made = await client.call('importLaboratories', { body: { laboratories } });
    return { json: made, text: [`version ${made.version}`, ...tableOf(made, io.isTty)] };
  },
});

const list = defineCommand({
  summary: 'laboratories that can do something, by an edition',
  options: {
    capability: {
      type: 'string',
      value: 'WORD',
      summary: 'as firmware-binary-analysis or update-simulation',
      multiple: true,
    },
    edition: { type: 'string', value: 'TEXT', summary: 'as "EN 303 645 V3.1.3"' },
    ...WORKSPACE_OPTION,
  },
  example: 'pawl laboratory list --capability update-simulation',
  async run({ values, io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const directory = await client.call('listLaboratories', {});
    const laboratories = directory.laboratories.filter(
      ({ capabilities, editions }) =>
        values.capability.every((one) => capabilities.includes(one)) &&
        (values.edition === undefined || editions.includes(values.edition)),
    );
    return { json: { ...directory, laboratories }, text: tableOf({ laboratories }, io.isTty) };
  },
});

export const laboratory: CommandGroup = {
  summary: 'laboratories, as you wrote them down',
  commands: { import: importFile, list },
};
