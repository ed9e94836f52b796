/**
 * What a filter can ask of a device: each field with the type of its values, which says how it compares. `attribute.NAME` is
 * what operators set, else what the device itself reports; `operator.NAME` is only what operators set, so no device can
 * talk itself into such a filter.
 */
import { ASSIGNMENT_STATES } from '../management/resources/assignment.ts';

const CHOICES = { kind: ['pawl', 'foreign'], state: ASSIGNMENT_STATES } as const;

/** `text` and `choice` match by `:`; `number` by `:` and order; `version` by `:` as text and by semver order; `time` by order. */
const FIELD_TYPES = {
  name: 'text',
  model: 'text',
  line: 'text',
  kind: 'choice',
  tag: 'text',
  version: 'version',
  state: 'choice',
  floor: 'number',
  lastSeen: 'time',
  enrolled: 'time',
} as const;
type PlainField = keyof typeof FIELD_TYPES;

const NAMED_FIELDS = ['attribute', 'operator'] as const;
type NamedField = (typeof NAMED_FIELDS)[number];

/** A field as a term names it. `key` is the name of the attribute. */
export type FieldRef =
  | { readonly field: PlainField; readonly key?: undefined }
  | { readonly field: NamedField; readonly key: string };

type FieldType = (typeof FIELD_TYPES)[PlainField];

/** What may stand between a field and its value. */
const OPERATORS: Readonly<Record<FieldType, readonly string[]>> = {
  text: [':'],
  choice: [':'],
  version: [':', '<', '<=', '>', '>='],
  number: [':', '<', '<=', '>', '>='],
  time: ['<', '<=', '>', '>='],
};

const GROUP_NAME = /^[a-z0-9][a-z0-9_.-]{0,62}$/;

/** Groups are named as tags are. */
export function isGroupName(text: string): boolean {
  return GROUP_NAME.test(text);
}

export function isPlainField(text: string): text is PlainField {
  return Object.hasOwn(FIELD_TYPES, text);
}

export function isNamedField(text: string): text is NamedField {
  return (NAMED_FIELDS as readonly string[]).includes(text);
}

export function typeOf({ field }: FieldRef): FieldType {
  return isNamedField(field) ? 'text' : FIELD_TYPES[field];
}

/** The only values of a field; undefined where any text may stand. */
export function choicesOf({ field }: FieldRef): readonly string[] | undefined {
  return field === 'kind' || field === 'state' ? CHOICES[field] : undefined;
}

export function operatorsOf(of: FieldRef): readonly string[] {
  return OPERATORS[typeOf(of)];
}
