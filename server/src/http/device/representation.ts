/**
 * Bodies of the device API: which media type an answer takes (`Accept`, RFC 9110 §12.5.1) and how a request body is read.
 *
 * HAL+JSON where nothing is asked for, JSON or CBOR on demand. CBOR is the strict profile of core in both directions.
 * JSON is refused when it nests deeper than 16, repeats a member name or is not UTF-8: two readers must not differ.
 */
import { fromUtf8 } from '@pawl/core/bytes';
import { type CborValue, decodeCbor, encodeCbor } from '@pawl/core/cbor';
import type { z } from 'zod';
import { keptTexts, parseStrictJson, type Texts } from '../strict-json.ts';
import { DeviceApiError } from './errors.ts';

type PlainData = string | number | boolean | null | readonly PlainData[] | { readonly [name: string]: PlainData };
/** Text where it is text. */
export type Representation = { readonly contentType: string; readonly body: string | Uint8Array };

const HAL = 'application/hal+json';
const JSON_TYPE = 'application/json';
const CBOR = 'application/cbor';
/** In the order of preference among types that are accepted equally. */
const OFFERED = [HAL, JSON_TYPE, CBOR] as const;
export type OfferedType = (typeof OFFERED)[number];

const ACCEPT_CHARS_MAX = 1024;

function qualityOf(parameters: readonly string[]): number {
  const q = parameters
    .map((parameter) => /^\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*$/i.exec(parameter)?.[1])
    .find(Boolean);
  return q === undefined ? 1 : Math.min(1, Number(q));
}

type MediaRange = { readonly range: string; readonly quality: number };

function mediaRangesOf(accept: string): MediaRange[] {
  return accept.split(',').map((part) => {
    const [range = '', ...parameters] = part.split(';');
    return { range: range.trim().toLowerCase(), quality: qualityOf(parameters) };
  });
}

/** RFC 9110 §12.5.1: the most specific range that matches decides the quality of a type. */
function qualityFor(offered: OfferedType, ranges: readonly MediaRange[]): number {
  for (const wanted of [offered, 'application/*', '*/*']) {
    const match = ranges.find(({ range }) => range === wanted);
    if (match !== undefined) return match.quality;
  }
  return 0;
}

/**
 * Picks the media type of the answer.
 * @throws DeviceApiError DEVICE_ACCEPT_UNSUPPORTED
 */
export function negotiate(accept: string | undefined): OfferedType {
  if (accept === undefined || accept.trim() === '') return HAL;
  const ranges = mediaRangesOf(accept.slice(0, ACCEPT_CHARS_MAX));
  let best: { readonly type: OfferedType; readonly quality: number } | undefined;
  for (const type of OFFERED) {
    const quality = qualityFor(type, ranges);
    if (quality > (best?.quality ?? 0)) best = { type, quality };
  }
  if (best === undefined) throw new DeviceApiError('DEVICE_ACCEPT_UNSUPPORTED', { actual: accept });
  return best.type;
}

function toCborValue(value: PlainData): CborValue {
  if (Array.isArray(value)) return value.map(toCborValue);
  if (typeof value !== 'object' || value === null) return value as CborValue;
  return new Map(Object.entries(value).map(([name, member]) => [name, toCborValue(member)]));
}

/** Writes a document in the negotiated type; members that are undefined are left out in all of them. */
export function encodeDocument(document: object, type: OfferedType): Representation {
  const text = JSON.stringify(document);
  if (type !== CBOR) return { contentType: type, body: text };
  return { contentType: type, body: encodeCbor(toCborValue(JSON.parse(text) as PlainData)) };
}

function fromCborValue(value: CborValue): unknown {
  if (Array.isArray(value)) return value.map(fromCborValue);
  if (value instanceof Map) {
    return Object.fromEntries(
      [...value].map(([name, member]) => {
        if (typeof name !== 'string') throw new DeviceApiError('DEVICE_BODY_MALFORMED', { expected: 'text keys' });
        return [name, fromCborValue(member)];
      }),
    );
  }
  return value;
}

/** The media type of a `Content-Type` header, without its parameters. */
export function mediaTypeOf(contentType: string | undefined): string {
  return (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/**
 * Reads a body as plain data.
 * @throws DeviceApiError DEVICE_CONTENT_TYPE_UNSUPPORTED, DEVICE_BODY_MALFORMED
 */
export function decodeDocument(bytes: Uint8Array, contentType: string | undefined, texts: Texts = 'refused'): unknown {
  const type = mediaTypeOf(contentType);
  if (type !== JSON_TYPE && type !== HAL && type !== CBOR) {
    throw new DeviceApiError('DEVICE_CONTENT_TYPE_UNSUPPORTED', { actual: type });
  }
  try {
    if (type === CBOR) return keptTexts(fromCborValue(decodeCbor(bytes)), texts);
    return parseStrictJson(fromUtf8(bytes), texts);
  } catch (cause) {
    if (cause instanceof DeviceApiError) throw cause;
    throw new DeviceApiError('DEVICE_BODY_MALFORMED', { expected: type }, cause);
  }
}

/**
 * Reads a body and checks its members.
 * @throws DeviceApiError DEVICE_CONTENT_TYPE_UNSUPPORTED, DEVICE_BODY_MALFORMED
 */
export function parseBody<T>(
  schema: z.ZodType<T>,
  bytes: Uint8Array,
  contentType: string | undefined,
  texts: Texts = 'refused',
): T {
  const result = schema.safeParse(decodeDocument(bytes, contentType, texts));
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new DeviceApiError('DEVICE_BODY_MALFORMED', {
    at: issue?.path.map(String).join('.'),
    expected: issue?.code,
  });
}
