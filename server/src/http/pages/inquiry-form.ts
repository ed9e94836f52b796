/**
 * The form of an inquiry as a browser sends it (RFC 7578), read closed: known fields, each once, known questions. The runtime's
 * own reader takes the parts apart; the body was bounded before, and so are the parts: each costs more than its bytes.
 */
import { MIMEType } from 'node:util';
import { FILE_MEANINGS, type GivenFile } from '../../acts/supply/answer-file.ts';
import { SupplyError } from '../../acts/supply/errors.ts';
import type { GivenAnswer, GivenForm } from '../../acts/supply/inquiry-answer.ts';
import { oneLine } from '../../domain/foreign-text.ts';

const REMOVED_MAX = 8;
/** Answer, file and what it is, issuer, edition, key. */
const FIELDS_PER_QUESTION = 6 + REMOVED_MAX;
const FIELDS_OF_FORM = 3;
/** RFC 2046 §5.1.1, without what would have to be quoted in a quoted string. */
const BOUNDARY = /^[\w'()+,./:=? -]{1,70}$/;
const FIELD = /^([afkiev])\.([a-z][a-z0-9-]{0,62})$/;

type Fields = {
  readonly texts: ReadonlyMap<string, string>;
  readonly files: ReadonlyMap<string, File>;
  readonly removed: ReadonlyMap<string, readonly string[]>;
};

function invalid(at: string, cause?: unknown): SupplyError {
  return new SupplyError('INQUIRY_FORM_INVALID', { at: at.slice(0, 80) }, cause);
}

function isKnownField(name: string, questions: ReadonlySet<string>): boolean {
  if (['revision', 'act', 'answeredBy'].includes(name)) return true;
  const [, , question = ''] = FIELD.exec(name) ?? [];
  return questions.has(question);
}

function sort(form: FormData, questions: ReadonlySet<string>): Fields {
  const texts = new Map<string, string>();
  const files = new Map<string, File>();
  const removed = new Map<string, string[]>();
  for (const [name, value] of form) {
    const question = name.startsWith('x.') ? name.slice(2) : undefined;
    if (question !== undefined) {
      const list = removed.get(question) ?? [];
      if (!questions.has(question) || typeof value !== 'string' || list.length >= REMOVED_MAX) throw invalid(name);
      removed.set(question, [...list, value]);
    } else if (!isKnownField(name, questions) || texts.has(name) || files.has(name)) throw invalid(name);
    else if (typeof value === 'string') texts.set(name, value);
    else if (name.startsWith('f.')) files.set(name, value);
    else throw invalid(name);
  }
  return { texts, files, removed };
}

async function fileOf({ texts, files }: Fields, question: string): Promise<GivenFile | undefined> {
  const file = files.get(`f.${question}`);
  // A browser sends a file without a name where none was chosen.
  if (file === undefined || (file.name === '' && file.size === 0)) return undefined;
  const text = (key: string): string => oneLine(texts.get(`${key}.${question}`) ?? '').slice(0, 500);
  const meaning = FILE_MEANINGS.find((known) => known === (texts.get(`k.${question}`) ?? 'document'));
  if (meaning === undefined) throw invalid(`k.${question}`);
  const bytes = new Uint8Array(await file.arrayBuffer());
  const [issuer, edition, vkey] = [text('i').slice(0, 128), text('e').slice(0, 128), text('v')];
  return { name: file.name, bytes, meaning, issuer, edition, vkey };
}

/** The boundary, when no more parts than a form has lie between. */
function boundaryOf(body: Uint8Array<ArrayBuffer>, contentType: string, partsMax: number): string {
  let boundary: string;
  try {
    boundary = new MIMEType(contentType).params.get('boundary') ?? '';
  } catch (cause) {
    throw invalid('content-type', cause);
  }
  if (!BOUNDARY.test(boundary)) throw invalid('content-type');
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const mark = `--${boundary}`;
  for (let found = 0, at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + mark.length)) {
    found += 1;
    // The last one ends the form.
    if (found > partsMax + 1) throw invalid('body');
  }
  return boundary;
}

/**
 * Reads a form.
 * @throws SupplyError INQUIRY_FORM_INVALID
 */
export async function parseInquiryForm(
  body: Uint8Array<ArrayBuffer>,
  contentType: string,
  questions: ReadonlySet<string>,
): Promise<GivenForm> {
  const boundary = boundaryOf(body, contentType, FIELDS_OF_FORM + FIELDS_PER_QUESTION * questions.size);
  let form: FormData;
  try {
    // Of the very boundary that was counted, however else the header could be read.
    const headers = { 'content-type': `multipart/form-data; boundary="${boundary}"` };
    form = await new Response(body, { headers }).formData();
  } catch (cause) {
    throw invalid('body', cause);
  }
  const fields = sort(form, questions);
  const revision = fields.texts.get('revision') ?? '';
  const act = fields.texts.get('act');
  if (!/^(0|[1-9]\d{0,8})$/.test(revision)) throw invalid('revision');
  if (act !== 'save' && act !== 'submit') throw invalid('act');
  const answers = new Map<string, GivenAnswer>();
  for (const question of questions) {
    answers.set(question, {
      value: fields.texts.get(`a.${question}`) ?? '',
      file: await fileOf(fields, question),
      removed: fields.removed.get(question) ?? [],
    });
  }
  const answeredBy = fields.texts.get('answeredBy') ?? '';
  return { revision: Number(revision), isSubmit: act === 'submit', answeredBy, answers };
}
