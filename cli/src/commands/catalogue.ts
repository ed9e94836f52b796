/** `pawl catalogue`: requirement catalogues and the calendar of deadlines. */
import { type CommandGroup, defineCommand } from '../frame/command.ts';
import { inFolder, readText, writeOutput } from '../workspace/files.ts';

const list = defineCommand({
  summary: 'the catalogues, with edition and status',
  example: 'pawl catalogue list',
  async run() {
    const { loadCatalogues } = await import('@pawl/compliance/catalogue');
    const { catalogues } = loadCatalogues();
    return {
      json: catalogues.map(({ catalogue, title, edition, status, retrieved, requirements }) => ({
        catalogue,
        title,
        edition,
        status,
        retrieved,
        requirements: requirements.length,
      })),
      text: catalogues.map(
        ({ catalogue, edition, requirements }) =>
          `  ${catalogue.padEnd(18)} ${String(requirements.length).padStart(4)}  ${edition}`,
      ),
    };
  },
});

const compare = defineCommand({
  summary: 'what changed between two editions of a catalogue',
  positionals: [
    { name: 'OLD', summary: 'the older edition, as JSON' },
    { name: 'NEW', summary: 'the newer edition' },
  ],
  example: 'pawl catalogue compare en-18031-2024.json en-18031-2027.json',
  async run({ positionals: [before = '', after = ''], io }) {
    const { compareEditions, parseCatalogue } = await import('@pawl/compliance/catalogue');
    const read = async (file: string): Promise<ReturnType<typeof parseCatalogue>> =>
      parseCatalogue(await readText(inFolder(io.cwd, file)), file);
    const changes = compareEditions(await read(before), await read(after));
    return {
      json: changes,
      text: [
        ...changes.map(
          ({ id, kind, fields }) => `  ${kind.padEnd(8)} ${id}${fields.length === 0 ? '' : `: ${fields.join(', ')}`}`,
        ),
        `${changes.length} changes`,
      ],
    };
  },
});

const deadlines = defineCommand({
  summary: 'dates that matter, each with its kind and how well it was verified',
  about: ['A claim is told by a source that is not the rule; it never holds anything back.'],
  options: {
    out: { type: 'string', value: 'FILE', summary: 'write them as iCalendar (RFC 5545), for a calendar program' },
  },
  example: 'pawl catalogue deadlines --out deadlines.ics',
  async run({ values, io }) {
    const { encodeICalendar, isBinding, loadDeadlines } = await import('@pawl/compliance/calendar');
    const { fixed, retrieved } = loadDeadlines();
    if (values.out !== undefined) await writeOutput(inFolder(io.cwd, values.out), encodeICalendar(fixed, retrieved));
    return {
      json: fixed.map((one) => ({ ...one, isBinding: isBinding(one) })),
      text: [
        ...fixed.map(
          ({ date, kind, what, verification }) => `  ${date}  ${kind.padEnd(20)} ${verification.padEnd(10)} ${what}`,
        ),
        ...(values.out === undefined ? [] : [`wrote ${inFolder(io.cwd, values.out)}`]),
      ],
    };
  },
});

export const catalogue: CommandGroup = {
  summary: 'requirement catalogues and deadlines',
  commands: { list, compare, deadlines },
};
