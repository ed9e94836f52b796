/** Inquiries to suppliers over a listening server: the link, drafts, files, what answers count for, and everything hostile. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { NewInquiry } from '@pawl/contract/management';
import { PrivateKey } from '@pawl/core/crypto';
import { emptyRoot, encodeVkey, signCheckpoint, verifyBundle, writeBundle } from '@pawl/core/evidence';
import { exchange, type RawAnswer } from './raw-http.ts';
import { startTestServer, type TestServer } from './running-server.ts';

const SOURCE = readFileSync(new URL('../../examples/products/hearth.yaml', import.meta.url), 'utf8');
const DAY_MS = 86_400_000;
const CELL = { requirement: 'EU-CRA 13.5', kind: 'supplier-evidence' };
const PDF = Buffer.from('%PDF-1.7\nmanual');
let atMs = Date.parse('2026-11-21T12:00:00.000Z');
let server: TestServer;

before(async () => {
  server = await startTestServer({
    now: () => new Date(atMs),
    trustedProxy: { secret: 'p'.repeat(32), certificateHeader: 'x-cert' },
  });
  await server.operator.call('putProduct', { params: { product: 'hearth' }, body: { source: SOURCE } });
});
after(() => server.close());

const QUESTIONS: NewInquiry['template']['questions'] = [
  {
    id: 'boot',
    topic: 'secure-boot-chain',
    text: 'Is it <b>checked</b>?',
    kind: 'yes-no',
    isRequired: true,
    attachment: true,
    requirements: ['EU-CRA 13.5'],
  },
  {
    id: 'how',
    topic: 'secure-boot-chain',
    text: 'How?',
    kind: 'text',
    attachment: true,
    requirements: ['EU-CRA 13.5'],
  },
  {
    id: 'update',
    topic: 'update-mechanism',
    text: 'By what?',
    kind: 'choice',
    choices: ['air', 'bench', 'never'],
    favourable: ['air', 'bench'],
    isRequired: true,
    attachment: true,
    requirements: ['EU-CRA 13.5'],
  },
  { id: 'until', topic: 'delivery', text: 'Until when?', kind: 'date', attachment: false },
];
const TEMPLATE = { template: 'parts', edition: '1', title: 'Parts', questions: QUESTIONS };

type Made = { readonly id: number; readonly path: string };
async function make(more: Partial<NewInquiry> = {}): Promise<Made> {
  const asked = { supplier: 'Chip AG', product: 'hearth', parts: ['STM32H5'], dueOn: '2027-01-15', template: TEMPLATE };
  const { inquiry, path } = await server.operator.call('makeInquiry', { body: { ...asked, ...more } });
  return { id: inquiry.id, path };
}
const show = (id: number) => server.operator.call('getInquiry', { params: { id } });
const get = (path: string, headers = {}) => exchange(`${server.url}${path}`, { headers });

type Fields = Readonly<Record<string, string | readonly [string, Uint8Array]>>;
async function post(path: string, fields: Fields, headers: Record<string, string> = {}): Promise<RawAnswer> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === 'string') form.append(name, value);
    else form.append(name, new Blob([new Uint8Array(value[1])]), value[0]);
  }
  const coded = new Response(form);
  const body = new Uint8Array(await coded.arrayBuffer());
  const type = coded.headers.get('content-type') ?? '';
  // Forms of one link are limited by the time; the tests' own time goes on.
  atMs += 10_000;
  return await exchange(`${server.url}${path}`, {
    method: 'POST',
    body,
    headers: { 'content-type': type, ...headers },
  });
}
const SAVE = { revision: '0', act: 'save', answeredBy: '' };
const SUBMIT = { revision: '0', act: 'submit', answeredBy: 'Ada, FAE' };
const GOOD = { ...SUBMIT, 'a.boot': 'yes', 'a.how': 'in ROM', 'a.update': 'air', 'a.until': '2036-02-29' };
const WITH_PAPERS = { ...GOOD, 'f.boot': ['boot.pdf', PDF], 'f.update': ['update.pdf', PDF] } as const;

const refused = (answer: RawAnswer, status: number, code: string, what = ''): void => {
  assert.deepEqual([answer.status, answer.text.includes(`<code>${code}</code>`)], [status, true], what || answer.text);
};
async function cell(model = 'gateway') {
  const { cells } = await server.operator.call('getGap', {
    params: { product: 'hearth' },
    query: { on: '2027-12-11' },
  });
  const found = cells.find((one) => one.model === model && one.requirement === CELL.requirement);
  return {
    proof: found?.proofs.find(({ kind }) => kind === CELL.kind),
    missing: found?.missing.find(({ kind }) => kind === CELL.kind),
  };
}

test('the page of a link runs nothing, leads nowhere else, and shows hostile names as text', async () => {
  const { id, path } = await make({
    supplier: '"><script>alert(1)</script>',
    parts: ['<img src=x onerror=alert(1)>'],
    note: 'a & b < c',
  });
  const page = await get(path);
  assert.equal(page.status, 200);
  assert.doesNotMatch(page.text, /<script|<img|<b>/);
  assert.match(page.text, /Is it &lt;b&gt;checked&lt;\/b&gt;\?/);
  assert.match(page.text, /a &amp; b &lt; c/);
  const policy = String(page.headers['content-security-policy']);
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /form-action 'self'/);
  assert.doesNotMatch(policy, /script-src|unsafe/);
  assert.deepEqual(
    [page.headers['referrer-policy'], page.headers['cache-control'], page.headers['x-frame-options']],
    ['no-referrer', 'no-store', 'DENY'],
  );
  assert.equal(page.headers['set-cookie'], undefined);
  await server.operator.call('withdrawInquiry', { params: { id }, body: { reason: 'a test' } });
});

test('a draft is saved and shown again; submitted answers are graded by what came with them, and stand in the ledger', async () => {
  const { id, path } = await make();
  const hidden = {
    'a.how': 'red \u202egnp\u001b[31m\r\n<i>two</i>',
    'f.how': ['..\\..\\x\u202e.txt', Buffer.from('text')],
  } as const;
  const saved = await post(path, { ...SAVE, 'a.boot': 'yes', ...hidden });
  assert.deepEqual([saved.status, saved.headers.location], [303, `${path}?saved=1`], saved.text);
  const form = (await get(`${path}?saved=1`)).text;
  assert.match(form, /name="a\.boot" value="yes" checked/);
  assert.match(form, /red \ufffdgnp\ufffd\[31m\n&lt;i&gt;two&lt;\/i&gt;/);
  assert.match(form, /<bdi>x\ufffd\.txt<\/bdi>/);
  assert.deepEqual([(await show(id)).state, (await show(id)).hasDraft], ['open', true]);
  const digest = createHash('sha256').update('text').digest('hex');
  // Of a draft the maker sees that there is one, and no more.
  const early = server.operator.call('getAnswerFile', { params: { id, sha256: digest } });
  await assert.rejects(early, { code: 'INQUIRY_UNKNOWN' });
  const report = { 'f.boot': ['report.pdf', PDF], 'k.boot': 'test-report', 'i.boot': 'Lab', 'e.boot': 'V1' } as const;
  const end = await post(path, { ...GOOD, ...report, revision: '1' });
  assert.deepEqual([end.status, end.headers.location], [303, path], end.text);
  const [round] = (await show(id)).rounds;
  assert.deepEqual(
    round?.answers.map(({ question, value, worth }) => [question, value, worth]),
    [
      ['boot', 'yes', 'test-evidence'],
      ['how', 'in ROM', 'document'],
      ['update', 'air', 'assurance'],
      ['until', '2036-02-29', 'assurance'],
    ],
  );
  const bytes = await server.operator.call('getAnswerFile', { params: { id, sha256: digest } });
  assert.equal(Buffer.from(bytes).toString(), 'text');
  assert.match((await get(path)).text, /Thank you/);
  const { vkey } = await server.operator.call('getCheckpoint', {});
  const said = verifyBundle(await server.operator.call('exportBundle', {}), { vkey }).entries.filter(
    ({ predicate }) => predicate['inquiry'] === id,
  );
  assert.deepEqual(
    said.map(({ predicateType, predicate: { act, question, worth } }) => [predicateType, act ?? question, worth]),
    [
      ['urn:pawl:inquiry:1', 'make', undefined],
      ['urn:pawl:supplier-answer:1', 'boot', 'test-evidence'],
      ['urn:pawl:supplier-answer:1', 'how', 'document'],
      ['urn:pawl:supplier-answer:1', 'update', 'assurance'],
      ['urn:pawl:supplier-answer:1', 'until', 'assurance'],
      ['urn:pawl:inquiry:1', 'submit', undefined],
    ],
  );
  const { items } = await server.operator.call('listAudit', { query: { actor: `inquiry/${id}` } });
  assert.deepEqual(
    items.map(({ operation }) => operation),
    ['submitInquiry', 'saveInquiry'],
  );
  await server.operator.call('withdrawInquiry', { params: { id }, body: { reason: 'a test' } });
});

test('a form that was sent before, or from an older page, is refused and changes nothing', async () => {
  const { id, path } = await make();
  assert.equal((await post(path, { ...SAVE, 'a.boot': 'no' })).status, 303);
  refused(await post(path, { ...SAVE, 'a.boot': 'yes' }), 409, 'INQUIRY_CHANGED');
  assert.equal((await post(path, { ...GOOD, revision: '1' })).status, 303);
  for (const fields of [
    { ...GOOD, revision: '1' },
    { ...GOOD, revision: '2' },
    { ...SAVE, revision: '2' },
  ])
    refused(await post(path, fields), 409, 'INQUIRY_STATE_UNSUITABLE');
  assert.deepEqual((await show(id)).rounds.length, 1);
  await server.operator.call('withdrawInquiry', { params: { id }, body: { reason: 'a test' } });
});

test('answers count when they were accepted, only as claimed, and not below a document for each topic', async () => {
  assert.deepEqual(await cell(), { proof: undefined, missing: { kind: CELL.kind, reason: null } });
  const { id, path } = await make();
  assert.match((await cell()).missing?.reason ?? '', /has no accepted answer/);
  assert.equal((await post(path, { ...GOOD, 'f.boot': ['boot.pdf', PDF] })).status, 303);
  assert.match((await cell()).missing?.reason ?? '', /has no accepted answer/);
  await server.operator.call('reviewInquiry', { params: { id }, body: { verdict: 'accept' } });
  assert.equal((await cell()).missing?.reason, 'only an assurance about update-mechanism; a document is needed');
  const again = { verdict: 'ask-again', note: 'What shows it?', dueOn: '2027-02-01' } as const;
  const asked = await server.operator.call('reviewInquiry', { params: { id }, body: again });
  assert.deepEqual([asked.state, asked.dueOn], ['open', '2027-02-01']);
  assert.match((await get(path)).text, /You are asked again.*What shows it\?/s);
  assert.equal((await post(path, { ...WITH_PAPERS, 'a.boot': 'no', revision: '1' })).status, 303);
  await server.operator.call('reviewInquiry', { params: { id }, body: { verdict: 'accept' } });
  assert.equal((await cell()).missing?.reason, 'the answer to boot does not speak for it');
  await server.operator.call('reviewInquiry', { params: { id }, body: again });
  assert.equal((await post(path, { ...WITH_PAPERS, revision: '2' })).status, 303);
  const accepted = await server.operator.call('reviewInquiry', { params: { id }, body: { verdict: 'accept' } });
  assert.deepEqual(
    accepted.rounds.map(({ round, verdict }) => [round, verdict]),
    [
      [1, 'accepted'],
      [2, 'accepted'],
      [3, 'accepted'],
    ],
  );
  const { proof } = await cell();
  assert.deepEqual([proof?.grade, proof?.issuer], ['claimed', 'Chip AG']);
  assert.match(proof?.title ?? '', /about STM32H5: document/);
  await assert.rejects(server.operator.call('reviewInquiry', { params: { id }, body: { verdict: 'accept' } }), {
    code: 'INQUIRY_STATE_UNSUITABLE',
  });
  const other = await make({ supplier: 'Module BV', parts: ['radio'], models: ['gateway'] });
  assert.match((await cell()).missing?.reason ?? '', /^about another part: inquiry \d+ has no accepted answer$/);
  assert.equal((await cell('sensor')).proof?.grade, 'claimed');
  await server.operator.call('withdrawInquiry', { params: { id: other.id }, body: { reason: 'not built in' } });
  assert.equal((await cell()).proof?.grade, 'claimed');
  await server.operator.call('withdrawInquiry', { params: { id }, body: { reason: 'a test' } });
  assert.equal((await cell()).missing?.reason, null);
});

test('a bundle is what it proves under the key that the supplier names, and nothing when it does not verify', async () => {
  const { id, path } = await make();
  const bundle = await server.operator.call('exportBundle', {});
  const { vkey } = await server.operator.call('getCheckpoint', {});
  const entries = verifyBundle(bundle, { vkey }).entries.length;
  const as = (bytes: Uint8Array, key: string) =>
    post(path, { ...GOOD, 'f.boot': ['b.zip', bytes], 'k.boot': 'bundle', 'v.boot': key });
  const broken = Uint8Array.from(bundle);
  broken[broken.length >> 1] = (broken[broken.length >> 1] ?? 0) ^ 1;
  const other = vkey.replace(/.{4}$/, 'AAA=');
  for (const answer of [await as(broken, vkey), await as(bundle, other), await as(bundle, ''), await as(PDF, vkey)]) {
    assert.equal(answer.status, 422);
    assert.match(answer.text, /does not verify under the key|does not begin as files of this kind/);
  }
  const own = PrivateKey.generate('Ed25519');
  const ownKey = encodeVkey('chip.example', own.publicKey);
  const checkpoint = await signCheckpoint({ origin: 'chip.example', size: 0, root: emptyRoot() }, 'chip.example', own);
  const hollow = await as(writeBundle({ kind: 'complete', checkpoint, vkey: ownKey, entries: [] }), ownKey);
  assert.equal(hollow.status, 422);
  assert.match(hollow.text, /holds no entry/);
  const large = await as(
    writeBundle({ kind: 'complete', checkpoint, vkey: ownKey, entries: [new Uint8Array(2 ** 20)] }),
    ownKey,
  );
  assert.deepEqual([large.status, /1 MiB at most, unpacked/.test(large.text)], [422, true]);
  const second = { 'f.how': ['c.zip', bundle], 'k.how': 'bundle', 'v.how': vkey } as const;
  const both = await post(path, {
    ...GOOD,
    ...second,
    'f.boot': ['b.zip', bundle],
    'k.boot': 'bundle',
    'v.boot': vkey,
  });
  assert.deepEqual([both.status, /one bundle at a time/.test(both.text)], [422, true]);
  assert.equal((await show(id)).state, 'open');
  assert.equal((await as(bundle, vkey)).status, 303);
  const [answer] = (await show(id)).rounds[0]?.answers ?? [];
  assert.equal(answer?.worth, 'verified-bundle');
  assert.deepEqual([answer?.files[0]?.bundle?.entries, answer?.files[0]?.bundle?.isComplete], [entries, true]);
  await server.operator.call('withdrawInquiry', { params: { id }, body: { reason: 'a test' } });
});

test('what is no answer is said beside its question, and nothing of the form is taken', async () => {
  const { id, path } = await make();
  const table: readonly (readonly [Fields, RegExp])[] = [
    [{ ...GOOD, 'a.boot': 'maybe' }, /yes, no or not known/],
    [{ ...GOOD, 'a.update': '<script>' }, /one of the choices/],
    [{ ...GOOD, 'a.until': '2027-02-29' }, /a day such as/],
    [{ ...GOOD, 'a.how': 'x'.repeat(1_000_000) }, /at most 4000 characters/],
    [{ ...GOOD, 'a.boot': '' }, /an answer is wanted/],
    [{ ...GOOD, answeredBy: ' ' }, /your name and role are wanted/],
    [{ ...GOOD, 'f.until': ['a.pdf', PDF] }, /no file is taken here/],
    [{ ...GOOD, 'f.boot': ['a.html', Buffer.from('<p>')] }, /files end in/],
    [{ ...GOOD, 'f.boot': ['a.pdf', Buffer.from('MZ')] }, /does not begin/],
    [{ ...GOOD, 'f.boot': ['a.pdf', new Uint8Array(0)] }, /the file is empty/],
    [{ ...GOOD, 'f.boot': ['a.txt', new Uint8Array(8 * 2 ** 20 + 1).fill(32)] }, /8 MiB at most/],
    [{ ...GOOD, 'f.boot': ['a.pdf', PDF], 'k.boot': 'test-report' }, /names who made it/],
  ];
  for (const [fields, wrong] of table) {
    const answer = await post(path, fields);
    assert.equal(answer.status, 422, String(wrong));
    assert.match(answer.text, wrong);
    assert.doesNotMatch(answer.text, /<script/);
    assert.ok(answer.text.length < 60_000);
  }
  for (const fields of [
    { ...GOOD, 'a.other': 'x' },
    { ...GOOD, 'z.boot': 'x' },
    { ...GOOD, __proto__x: 'x' },
    { ...GOOD, revision: '1e3' },
    { ...GOOD, act: 'accept' },
    { ...GOOD, 'k.boot': 'bundle!', 'f.boot': ['a.pdf', PDF] },
    { ...GOOD, 'a.boot': ['a.txt', PDF] },
  ] as Fields[])
    refused(await post(path, fields), 422, 'INQUIRY_FORM_INVALID', Object.keys(fields).join());
  const one = await show(id);
  assert.deepEqual([one.state, one.hasDraft], ['open', false]);
  const raw = (type: string, body: string) =>
    exchange(`${server.url}${path}`, { method: 'POST', body, headers: { 'content-type': type } });
  refused(await raw('multipart/form-data; boundary=x', '--x\r\n'), 422, 'INQUIRY_FORM_INVALID');
  for (const type of ['application/json', 'application/x-www-form-urlencoded', 'text/plain'])
    refused(await raw(type, 'a.boot=yes'), 415, 'API_CONTENT_TYPE_UNSUPPORTED');
  await server.operator.call('withdrawInquiry', { params: { id }, body: { reason: 'a test' } });
});

test('a link that is unknown, renewed, revoked, withdrawn or over leads nowhere, and says no more than that', async () => {
  const { id, path } = await make({ validForDays: 2 });
  const foreign = await post(path, GOOD, { 'sec-fetch-site': 'cross-site' });
  refused(foreign, 403, 'API_FOREIGN_PAGE');
  refused(await get(`/inquiry/${'A'.repeat(43)}`), 404, 'INQUIRY_LINK_INVALID');
  const { path: second } = await server.operator.call('renewInquiryLink', {
    params: { id },
    body: { validForDays: 2 },
  });
  for (const answer of [await get(path), await post(path, GOOD)]) refused(answer, 404, 'INQUIRY_LINK_INVALID');
  assert.equal((await get(second)).status, 200);
  atMs += 2 * DAY_MS;
  refused(await get(second), 404, 'INQUIRY_LINK_INVALID');
  assert.equal((await show(id)).linkExpiresAt, null);
  const { path: third } = await server.operator.call('renewInquiryLink', { params: { id }, body: {} });
  await server.operator.call('revokeInquiryLink', { params: { id }, body: {} });
  refused(await get(third), 404, 'INQUIRY_LINK_INVALID');
  const { path: last } = await server.operator.call('renewInquiryLink', { params: { id }, body: {} });
  await server.operator.call('withdrawInquiry', { params: { id }, body: { reason: 'a test' } });
  refused(await post(last, GOOD), 404, 'INQUIRY_LINK_INVALID');
  const late = server.operator.call('renewInquiryLink', { params: { id }, body: {} });
  await assert.rejects(late, { code: 'INQUIRY_STATE_UNSUITABLE' });
});

test('one link opens one inquiry: the files of another are not to be had, and are not taken away', async () => {
  const [one, two] = [await make(), await make({ supplier: 'Module BV' })];
  const secret = Buffer.from('only of one');
  const sha256 = createHash('sha256').update(secret).digest('hex');
  assert.equal((await post(one.path, { ...GOOD, 'f.boot': ['a.txt', secret] })).status, 303);
  assert.equal((await post(two.path, { ...SAVE, 'x.boot': sha256 })).status, 303);
  assert.ok(!(await get(two.path)).text.includes(sha256));
  const foreign = server.operator.call('getAnswerFile', { params: { id: two.id, sha256 } });
  await assert.rejects(foreign, { code: 'INQUIRY_UNKNOWN' });
  await server.operator.call('getAnswerFile', { params: { id: one.id, sha256 } });
});

test('whoever guesses links is slowed down, and so is a link that sends without end', async () => {
  const { path } = await make();
  const from = { 'x-pawl-proxy-secret': 'p'.repeat(32), 'x-forwarded-for': '192.0.2.7' };
  const guesses = [];
  for (let turn = 0; turn < 21; turn += 1) guesses.push((await get(`/inquiry/${turn}`, from)).status);
  assert.deepEqual([guesses.filter((one) => one === 404).length, guesses.at(-1)], [20, 429]);
  assert.equal((await get(path)).status, 200);
  const frozen = atMs;
  const sent = [];
  for (let turn = 0; turn < 21; turn += 1) {
    atMs = frozen - 10_000;
    sent.push((await post(path, { ...SAVE, revision: '9' })).status);
  }
  assert.deepEqual([sent[0], sent.at(-1)], [409, 429]);
});

test('the files of one inquiry have a bound together, with those that were taken away', async () => {
  const { path } = await make();
  const large = (fill: number) => new Uint8Array(8 * 2 ** 20).fill(fill);
  for (const revision of [0, 1]) {
    const files = { 'f.boot': ['a.txt', large(65 + revision)], 'f.how': ['b.txt', large(75 + revision)] } as const;
    assert.equal((await post(path, { ...SAVE, revision: String(revision), ...files })).status, 303);
  }
  refused(await post(path, { ...SAVE, revision: '2', 'f.update': ['c.txt', PDF] }), 413, 'INQUIRY_FULL');
});

test('an inquiry that is not answered in time is overdue, and a product, model or requirement that is not there is refused', async () => {
  const { id } = await make({ dueOn: new Date(atMs).toISOString().slice(0, 10) });
  assert.deepEqual([(await show(id)).isOverdue, (await show(id)).daysLeft], [false, 0]);
  atMs += 3 * DAY_MS;
  assert.deepEqual([(await show(id)).isOverdue, (await show(id)).daysLeft], [true, -3]);
  await assert.rejects(make({ product: 'other' }), { code: 'PRODUCT_UNKNOWN' });
  await assert.rejects(make({ models: ['other'] }), { code: 'PRODUCT_MODEL_UNKNOWN' });
  const [first] = QUESTIONS;
  if (first === undefined) throw new TypeError('there is one');
  const questions = [{ ...first, requirements: ['EU-CRA I.9.z'] }];
  await assert.rejects(make({ template: { ...TEMPLATE, questions } }), { code: 'EVIDENCE_WORD_UNKNOWN' });
});
