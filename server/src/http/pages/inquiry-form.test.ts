/** Forms as a hostile browser sends them: how many parts are taken apart, and by which boundary. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseInquiryForm } from './inquiry-form.ts';

const QUESTIONS = new Set(['boot']);
const partOf = (name: string, value: string) =>
  `--x\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
const FORM = `${partOf('revision', '0')}${partOf('act', 'save')}${partOf('a.boot', 'yes')}`;
const parse = (parts: string, type = 'multipart/form-data; boundary=x') =>
  parseInquiryForm(new Uint8Array(Buffer.from(`${parts}--x--\r\n`)), type, QUESTIONS);

test('a form is read by its boundary, quoted or not', async () => {
  for (const type of ['multipart/form-data; boundary=x', 'multipart/form-data; charset=utf-8; boundary="x"']) {
    const { answers, revision } = await parse(FORM, type);
    assert.deepEqual([revision, answers.get('boot')?.value], [0, 'yes']);
  }
});

test('a form of more parts than its questions have is refused before it is taken apart', async () => {
  // Else it would be the ninth of them that is refused, after all were read: hundreds of thousands in one body, for seconds.
  await assert.rejects(parse(`${FORM}${partOf('x.boot', 'a').repeat(9)}`), { details: { at: 'x.boot' } });
  for (const type of ['boundary=x', 'boundary=y, multipart/form-data; boundary=x', 'boundary="x\\""', '']) {
    const many = parse(`${FORM}${partOf('x.boot', 'a').repeat(100)}`, `multipart/form-data; ${type}`);
    const isRefused = (error: { code?: string; details?: { at?: string } }) =>
      error.code === 'INQUIRY_FORM_INVALID' && ['body', 'content-type'].includes(error.details?.at ?? '');
    await assert.rejects(many, isRefused, type);
  }
});
