/** Help texts, all made from the command table: the program, a group, one command. Each command shows an example. */
import type { Command, CommandGroup, OptionSpec } from './command.ts';
import { COMMON_OPTIONS, type CommandTable } from './parse.ts';

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(0, ...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}

const EXIT_STATUS = 'Exit status: 0 done, 1 refused by verification or policy, 2 usage, 3 unavailable.';

export function helpProgram(table: CommandTable): string[] {
  return [
    'pawl: secure firmware update that only moves forward, and keeps the proof',
    '',
    'Usage: pawl COMMAND [OPTIONS]',
    '',
    ...columns(Object.entries(table).map(([name, { summary }]) => [name, summary])),
    '',
    'pawl COMMAND --help says more, with an example. Start with: pawl demo',
    EXIT_STATUS,
  ];
}

export function helpGroup(name: string, group: CommandGroup): string[] {
  return [
    `pawl ${name}: ${group.summary}`,
    '',
    ...columns(Object.entries(group.commands).map(([word, { summary }]) => [`pawl ${name} ${word}`, summary])),
    '',
    `pawl ${name} COMMAND --help says more, with an example.`,
  ];
}

function describeOption([name, spec]: readonly [string, OptionSpec]): readonly [string, string] {
  const value = spec.type === 'boolean' ? '' : ` ${spec.value ?? 'TEXT'}`;
  const short = spec.short === undefined ? '' : `-${spec.short}, `;
  const notes = [
    ...(spec.required === true ? ['required'] : []),
    ...(spec.multiple === true ? ['may be repeated'] : []),
    ...(spec.default === undefined || spec.default === '' ? [] : [`default ${spec.default}`]),
  ];
  return [`${short}--${name}${value}`, spec.summary + (notes.length === 0 ? '' : ` (${notes.join(', ')})`)];
}

export function helpCommand(name: string, command: Command): string[] {
  const positionals = command.positionals ?? [];
  const words = positionals.map((spec) => {
    const word = spec.multiple === true ? `${spec.name}...` : spec.name;
    return spec.optional === true ? `[${word}]` : word;
  });
  return [
    `pawl ${name}: ${command.summary}`,
    ...(command.about === undefined ? [] : ['', ...command.about]),
    '',
    `Usage: ${['pawl', name, ...words, '[OPTIONS]'].join(' ')}`,
    '',
    ...columns([
      ...positionals.map((spec) => [spec.name, spec.summary] as const),
      ...Object.entries({ ...command.options, ...COMMON_OPTIONS }).map(describeOption),
    ]),
    '',
    'Example:',
    `  ${command.example}`,
  ];
}
