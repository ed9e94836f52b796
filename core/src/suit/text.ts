/**
 * The text member (draft-ietf-suit-manifest-37 §8.4.4): { language => { 1 manifest description, 2 update description, 3 and
 * 4 sources, component id => { 1..8 } } }. Never acted on; checked like everything else, because people read it before
 * they approve.
 */
import { isEqualBytes } from '../bytes/index.ts';
import {
  type CborValue,
  decodeCbor,
  encodeCbor,
  expectArray,
  expectBytes,
  expectMap,
  expectText,
} from '../cbor/index.ts';
import { SuitError } from './errors.ts';
import { labelOf } from './label.ts';
import type { ComponentId } from './manifest.ts';

/** What the author tells people, in one language (BCP 47 tag). */
export type SuitText = {
  readonly language: string;
  readonly manifestDescription?: string;
  readonly updateDescription?: string;
};

const MANIFEST_DESCRIPTION = 1;
const UPDATE_DESCRIPTION = 2;
const MANIFEST_TEXT_KEY_MAX = 4;
const COMPONENT_TEXT_KEY_MAX = 8;

function expectTextKey(key: CborValue, keyMax: number): void {
  if (typeof key !== 'number' || key < 1 || key > keyMax) {
    throw new SuitError('SUIT_ELEMENT_UNSUPPORTED', { at: 'text', key: labelOf(key) });
  }
}

function isComponent(id: CborValue[], components: readonly ComponentId[]): boolean {
  const parts = id.map((part) => expectBytes(part, 'text'));
  return components.some(
    (component) =>
      component.length === parts.length &&
      component.every((part, i) => isEqualBytes(part, parts[i] ?? new Uint8Array())),
  );
}

function decodeLanguage(
  language: string,
  entries: Map<CborValue, CborValue>,
  components: readonly ComponentId[],
): SuitText {
  for (const [key, value] of entries) {
    if (Array.isArray(key)) {
      // §8.4.4: every component that text speaks of must be in common.
      if (!isComponent(expectArray(key, 'text'), components)) {
        throw new SuitError('SUIT_COMPONENT_UNSUPPORTED', { at: 'text' });
      }
      for (const [field, text] of expectMap(value, 'text')) {
        expectTextKey(field, COMPONENT_TEXT_KEY_MAX);
        expectText(text, 'text');
      }
    } else {
      expectTextKey(key, MANIFEST_TEXT_KEY_MAX);
      expectText(value, 'text');
    }
  }
  const manifestDescription = entries.get(MANIFEST_DESCRIPTION);
  const updateDescription = entries.get(UPDATE_DESCRIPTION);
  return {
    language,
    ...(typeof manifestDescription === 'string' && { manifestDescription }),
    ...(typeof updateDescription === 'string' && { updateDescription }),
  };
}

export function decodeText(bytes: Uint8Array, components: readonly ComponentId[]): SuitText[] {
  const languages = [...expectMap(decodeCbor(bytes), 'text')];
  return languages.map(([language, entries]) =>
    decodeLanguage(expectText(language, 'text'), expectMap(entries, 'text'), components),
  );
}

export function encodeText(texts: readonly SuitText[]): Uint8Array {
  const languages = texts.map(({ language, manifestDescription, updateDescription }) => {
    const entries = new Map<CborValue, CborValue>();
    if (manifestDescription !== undefined) entries.set(MANIFEST_DESCRIPTION, manifestDescription);
    if (updateDescription !== undefined) entries.set(UPDATE_DESCRIPTION, updateDescription);
    return [language, entries] as const;
  });
  return encodeCbor(new Map<CborValue, CborValue>(languages));
}
