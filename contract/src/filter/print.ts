/** Writes a filter as text that reads back as the same filter. */
import type { FieldRef } from './fields.ts';
import type { Filter, Pattern } from './syntax.ts';
import { printTime } from './values.ts';

const BARE = /^[A-Za-z0-9._+:-]+$/;
const BARE_KEY = /^[A-Za-z0-9_.-]+$/;

function quote(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

function printPattern({ text, isOpenStart, isOpenEnd }: Pattern): string {
  if (isOpenStart || isOpenEnd) return `${isOpenStart ? '*' : ''}${text}${isOpenEnd ? '*' : ''}`;
  return BARE.test(text) ? text : quote(text);
}

function printField({ field, key }: FieldRef): string {
  if (key === undefined) return field;
  return `${field}.${BARE_KEY.test(key) ? key : quote(key)}`;
}

function printPart(filter: Filter): string {
  return filter.kind === 'and' || filter.kind === 'or' ? `(${printFilter(filter)})` : printFilter(filter);
}

/** The text of a filter. */
export function printFilter(filter: Filter): string {
  switch (filter.kind) {
    case 'and':
      return filter.all.map(printPart).join(' ');
    case 'or':
      return filter.all.map(printPart).join(' or ');
    case 'not':
      return `not ${printPart(filter.filter)}`;
    case 'group':
      return `group:${filter.name}`;
    case 'has':
      return `has:${printField(filter.of)}`;
    case 'match':
      return `${printField(filter.of)}:${printPattern(filter.pattern)}`;
    case 'version':
      return `version${filter.comparison}${filter.version}`;
    case 'number':
      return `floor${filter.comparison}${filter.value}`;
    case 'time':
      return `${filter.field}${filter.comparison}${printTime(filter.time)}`;
  }
}
