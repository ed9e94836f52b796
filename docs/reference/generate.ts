/**
 * Writes the generated reference pages: error codes, command-line help, image formats, the mission, OpenAPI. `--check` writes nothing and exits 1
 * when a page on disk is not what the code says.
 */
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import type { ErrorTable } from '@pawl/core/bytes';
import { renderApi } from './api.ts';
import { renderMission } from './mission.ts';

const ROOT = `${import.meta.dirname}/../..`;

async function errorTables(): Promise<[string, string, ErrorTable][]> {
  const files = globSync('{core,contract,compliance,agent,server,cli,lab}/src/**/errors.ts', { cwd: ROOT }).sort();
  const tables: [string, string, ErrorTable][] = [];
  for (const file of files) {
    const module = (await import(`${ROOT}/${file}`)) as Record<string, unknown>;
    for (const [name, value] of Object.entries(module)) {
      if (name.endsWith('_ERRORS')) tables.push([file, name, value as ErrorTable]);
    }
  }
  return tables;
}

async function renderErrors(): Promise<string> {
  const lines = ['# Error codes', '', 'Generated from the error tables of each part by `npm run gen`.', ''];
  for (const [file, , table] of await errorTables()) {
    lines.push(
      `## ${file.replace('/src', '').replace('/errors.ts', '')}`,
      '',
      '| code | what it says | what to do | HTTP |',
      '|---|---|---|---|',
    );
    for (const [code, row] of Object.entries(table)) {
      lines.push(`| \`${code}\` | ${row.message} | ${row.advice} | ${row.status ?? 500} |`);
    }
    lines.push('');
  }
  return lines.join('\n');
}

type Lines = (...args: unknown[]) => string[];
type Entry = { readonly commands?: Readonly<Record<string, unknown>> };

async function renderHelp(): Promise<string> {
  const { COMMANDS } = (await import(`${ROOT}/cli/src/commands/index.ts`)) as {
    COMMANDS: Readonly<Record<string, { load(): Promise<Entry> }>>;
  };
  const { helpProgram, helpGroup, helpCommand } = (await import(`${ROOT}/cli/src/frame/help.ts`)) as Record<
    string,
    Lines
  >;
  const lines = ['# Command line', '', 'Generated from the command table by `npm run gen`.', ''];
  const section = (title: string, text: readonly string[] = []): void => {
    lines.push(`## ${title}`, '', '```', ...text, '```', '');
  };
  section('pawl', helpProgram?.(COMMANDS));
  for (const [name, command] of Object.entries(COMMANDS)) {
    const entry = await command.load();
    if (entry.commands === undefined) {
      section(`pawl ${name}`, helpCommand?.(name, entry));
      continue;
    }
    section(`pawl ${name}`, helpGroup?.(name, entry));
    for (const [word, command] of Object.entries(entry.commands)) {
      section(`pawl ${name} ${word}`, helpCommand?.(`${name} ${word}`, command));
    }
  }
  return lines.join('\n');
}

async function renderFormats(): Promise<string> {
  const { IMAGE_FORMATS } = (await import(`${ROOT}/core/src/image/index.ts`)) as {
    IMAGE_FORMATS: Readonly<Record<string, { readonly summary: string; readonly signatures?: string }>>;
  };
  const rows = Object.entries(IMAGE_FORMATS).map(
    ([format, { summary, signatures = 'none: such a file is never authentic by itself' }]) =>
      `| \`${format}\` | ${summary} | ${signatures} |`,
  );
  return [
    '# Image formats',
    '',
    'Generated from the table of formats by `npm run gen`. The first that recognises a file has it. `pawl image describe` checks the',
    'structure, checksums and digests of each; `pawl verify` verifies the signatures named here under the keys that are given.',
    '',
    '| format | what it is | signatures that are verified |',
    '|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

async function renderOpenApi(part: 'management' | 'device' | 'mender'): Promise<string> {
  const module = (await import(`${ROOT}/contract/src/management/index.ts`)) as Record<string, unknown>;
  const render = module[`${part}OpenApi`] as (codes: ErrorTable) => unknown;
  const tables = (await errorTables()).map(([, , table]) => table);
  return `${JSON.stringify(render(Object.assign({}, ...tables) as ErrorTable), null, 2)}\n`;
}

const apiPages = globSync('core/src/*/index.ts', { cwd: ROOT }).map((file): [string, string] => [
  `api/${file.split('/')[2] ?? ''}.md`,
  renderApi(`${ROOT}/${file}`),
]);

const pages: Record<string, string> = {
  ...Object.fromEntries(apiPages),
  'errors.md': await renderErrors(),
  'cli.md': await renderHelp(),
  'formats.md': await renderFormats(),
  'mission.md': renderMission(),
  'openapi-management.json': await renderOpenApi('management'),
  'openapi-device.json': await renderOpenApi('device'),
  'openapi-mender.json': await renderOpenApi('mender'),
};

const isCheck = process.argv.includes('--check');
for (const [name, text] of Object.entries(pages)) {
  const path = `${import.meta.dirname}/${name}`;
  const isFresh = existsSync(path) && readFileSync(path, 'utf8') === text;
  if (isFresh) continue;
  if (isCheck) {
    process.stderr.write(
      `error: docs/reference/${name} is not what the code says\nhint: run \`npm run gen\` and commit it\n`,
    );
    process.exitCode = 1;
  } else {
    writeFileSync(path, text);
    process.stdout.write(`wrote docs/reference/${name}\n`);
  }
}
