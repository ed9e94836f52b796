/**
 * Devices as tables: CSV with a header, or one JSON object a line. What is exported can be imported: columns that only the server
 * writes are known and left out. An error names the line.
 */
import { type Device, type ImportedDevice, importedDevice } from '@pawl/contract/management';
import { CliError } from '../frame/errors.ts';
import { encodeRow, readPieces, readRows } from './csv.ts';

const TABLE_FORMATS = ['csv', 'ndjson'] as const;
export type TableFormat = (typeof TABLE_FORMATS)[number];

export type DeviceRow = { readonly line: number; readonly device: ImportedDevice };
export type RowFault = { readonly line: number; readonly expected: string };

const WRITTEN = ['controllerId', 'model', 'line', 'tags', 'attributes'] as const;
const READ_ONLY = ['kind', 'installedVersion', 'state', 'lastSeenAt', 'keyId'] as const;
const ATTRIBUTE = 'attribute.';
const LINE_CHARS_MAX = 65_536;

export const CSV_HEADER: string = encodeRow([...WRITTEN, ...READ_ONLY]);

/** A device as a line of a table. */
export function encodeDevice(device: Device, format: TableFormat): string {
  const { controllerId, model, line, tags, operatorAttributes: attributes } = device;
  const { kind, installedVersion, state, lastSeenAt, keyId } = device;
  const rest = { kind, installedVersion, state, lastSeenAt, keyId };
  if (format === 'ndjson') return JSON.stringify({ controllerId, model, line, tags, attributes, ...rest });
  const written = [controllerId, model, line ?? '', tags.join(' '), JSON.stringify(attributes)];
  return encodeRow([...written, ...Object.values(rest).map((value) => value ?? '')]);
}

/** csv or ndjson, as it is said or as the name ends. @throws CliError CLI_USAGE */
export function tableFormat(said: string | undefined, path: string): TableFormat {
  const word = said ?? (/\.(ndjson|jsonl)$/i.test(path) ? 'ndjson' : 'csv');
  const format = TABLE_FORMATS.find((one) => one === word);
  if (format === undefined) throw new CliError('CLI_USAGE', { at: '--format', actual: said });
  return format;
}

function check(line: number, value: unknown): DeviceRow | RowFault {
  const parsed = importedDevice.safeParse(value);
  if (parsed.success) return { line, device: parsed.data };
  const [issue] = parsed.error.issues;
  return { line, expected: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}` };
}

function parseAttributes(text: string): unknown {
  if (text === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    // The schema says what it should be.
    return text;
  }
}

/** A row by its header. An empty line is none; an empty attribute is not there. */
function fromCells(header: readonly string[], cells: readonly string[]): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  const attributes: Record<string, unknown> = {};
  for (const [index, name] of header.entries()) {
    const cell = cells[index] ?? '';
    if (name === 'line') found[name] = cell === '' ? null : cell;
    else if (name === 'tags') found[name] = cell.split(/\s+/).filter((tag) => tag !== '');
    else if (name === 'attributes') found[name] = parseAttributes(cell);
    else if (name.startsWith(ATTRIBUTE)) {
      if (cell !== '') attributes[name.slice(ATTRIBUTE.length)] = cell;
    } else if (!READ_ONLY.some((one) => one === name)) found[name] = cell;
  }
  if (Object.keys(attributes).length === 0) return found;
  const whole = found['attributes'];
  return { ...found, attributes: { ...(typeof whole === 'object' ? whole : {}), ...attributes } };
}

/** @throws CliError CLI_TABLE_MALFORMED */
function checkHeader(path: string, header: readonly string[]): void {
  const isKnown = (name: string): boolean =>
    name.startsWith(ATTRIBUTE) || [...WRITTEN, ...READ_ONLY].some((one) => one === name);
  const strange = header.find((name) => !isKnown(name));
  if (strange !== undefined) {
    throw new CliError('CLI_TABLE_MALFORMED', { path, line: 1, expected: [...WRITTEN].join(', '), actual: strange });
  }
  if (new Set(header).size < header.length) {
    throw new CliError('CLI_TABLE_MALFORMED', { path, line: 1, expected: 'each column once' });
  }
}

async function* fromCsv(path: string): AsyncGenerator<DeviceRow | RowFault> {
  let header: readonly string[] | undefined;
  for await (const { line, cells } of readRows(path)) {
    if (header === undefined) {
      header = cells.map((name, index) => (index === 0 ? name.replace(/^\ufeff/, '') : name));
      checkHeader(path, header);
    } else if (cells.length !== header.length) yield { line, expected: `${header.length} cells, not ${cells.length}` };
    else yield check(line, fromCells(header, cells));
  }
}

function fromJson(line: number, text: string): DeviceRow | RowFault {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { line, expected: 'a JSON object' };
  }
  if (typeof value !== 'object' || value === null) return { line, expected: 'a JSON object' };
  return check(
    line,
    Object.fromEntries(Object.entries(value).filter(([name]) => !READ_ONLY.some((one) => one === name))),
  );
}

async function* fromNdjson(path: string): AsyncGenerator<DeviceRow | RowFault> {
  let line = 0;
  let rest = '';
  for await (const piece of readPieces(path)) {
    const parts = `${rest}${piece}`.split('\n');
    rest = parts.pop() ?? '';
    if (rest.length > LINE_CHARS_MAX) {
      throw new CliError('CLI_TABLE_MALFORMED', { path, line: line + parts.length + 1, expected: 'shorter lines' });
    }
    for (const part of parts) {
      line += 1;
      if (part.trim() !== '') yield fromJson(line, part);
    }
  }
  if (rest.trim() !== '') yield fromJson(line + 1, rest);
}

/** The rows of a table, one after the other; what a row is not, is said with its line. */
export function readDevices(path: string, format: TableFormat): AsyncGenerator<DeviceRow | RowFault> {
  return format === 'csv' ? fromCsv(path) : fromNdjson(path);
}
