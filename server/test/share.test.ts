/** Shares over a listening server: what an outsider sees of one product, and that nothing else is to be had by the link. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { ManagementClient } from '@pawl/contract/client';
import type { NewShare } from '@pawl/contract/management';
import { PrivateKey } from '@pawl/core/crypto';
import { verifyBundle } from '@pawl/core/evidence';
import { enrolBody } from './pawl-device.ts';
import { exchange, type RawAnswer } from './raw-http.ts';
import { startTestServer, type TestServer } from './running-server.ts';

const SOURCE = readFileSync(new URL('../../examples/products/hearth.yaml', import.meta.url), 'utf8');
const OTHER = SOURCE.replace(/^product: hearth$/m, 'product: stove').replace(/^line: hearth$/m, 'line: stove');
const SECRET = 'p'.repeat(32);
const DAY_MS = 86_400_000;
const DEVICE = 'unit-of-somebody-4711';
let atMs = Date.parse('2026-11-21T12:00:00.000Z');
let server: TestServer;
let declaration: number;
let unshared: number;
let foreign: number;

async function addDocument(product: string, title: string): Promise<number> {
  const bytes = Buffer.from(`%PDF-1.7 ${title}`);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const sizeBytes = bytes.length;
  await server.operator.call('putEvidenceFile', { params: { sha256 }, query: { sizeBytes }, body: bytes, sizeBytes });
  const file = { name: `${title.replace('/', '')}.pdf`, mediaType: 'application/pdf', sha256 } as const;
  const said = { product, kind: 'declaration', title, issuer: `Issuer of ${title}`, issuedOn: '2026-11-01' } as const;
  return (await server.operator.call('addEvidence', { body: { ...said, file } })).id;
}

before(async () => {
  const trustedProxy = { secret: SECRET, certificateHeader: 'x-cert' };
  server = await startTestServer({ now: () => new Date(atMs), trustedProxy });
  const { operator, url } = server;
  await operator.call('putProduct', { params: { product: 'hearth' }, body: { source: SOURCE } });
  await operator.call('putProduct', { params: { product: 'stove' }, body: { source: OTHER } });
  declaration = await addDocument('hearth', 'Declaration <b>x</b>');
  unshared = await addDocument('hearth', 'Internal audit');
  foreign = await addDocument('stove', 'Stove paper');
  const { claim } = await operator.call('createClaim', {
    body: { controllerId: DEVICE, model: 'gateway', line: 'hearth' },
  });
  const answer = await exchange(`${url}/default/pawl/v1/enrol`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(await enrolBody(claim, PrivateKey.generate('ESP256'))),
  });
  assert.equal(answer.status, 200, answer.text);
});
after(() => server.close());

const make = (more: Partial<NewShare> = {}) => {
  const asked = { product: 'hearth', audience: 'Import GmbH', role: 'importer', documents: [declaration] } as const;
  return server.operator.call('makeShare', { body: { ...asked, documents: [...asked.documents], ...more } });
};
const from = (source: string) => ({ 'x-pawl-proxy-secret': SECRET, 'x-forwarded-for': source });
const get = (path: string, source = '192.0.2.1') => exchange(`${server.url}${path}`, { headers: from(source) });
const post = (path: string, code: string, source = '192.0.2.1') =>
  exchange(`${server.url}${path}`, {
    method: 'POST',
    body: new URLSearchParams({ code }).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...from(source) },
  });
const refused = (answer: RawAnswer, status: number, code: string): void => {
  assert.deepEqual([answer.status, answer.text.includes(`<code>${code}</code>`)], [status, true], answer.text);
  assert.doesNotMatch(answer.text, /hearth|Hearth|Import GmbH|Declaration/);
};

test('the page shows what an importer looks at, with grades and sources, and runs nothing', async () => {
  const { path } = await make({ audience: '"><script>alert(1)</script>' });
  const page = await get(path);
  assert.equal(page.status, 200);
  assert.doesNotMatch(page.text, /<script|<b>x/);
  for (const wanted of [
    'EU-CRA 19.2',
    'EU-CRA 30',
    'EU-CRA 13.19',
    'Declaration &lt;b&gt;x',
    'pawl verify hearth.zip --key',
  ])
    assert.ok(page.text.includes(wanted), wanted);
  assert.match(page.text, /declaration-of-conformity <small>\(claimed, 2026-11-01, entry \d+\)/);
  assert.match(String(page.headers['content-security-policy']), /^default-src 'none'; style-src 'self'/);
  assert.deepEqual([page.headers['cache-control'], page.headers['set-cookie']], ['no-store', undefined]);
  const distributor = await get((await make({ role: 'distributor' })).path);
  assert.ok(distributor.text.includes('EU-CRA 20.2'));
});

test('by a link nothing is shown of other products, of devices, or of documents that it does not name', async () => {
  const { path } = await make();
  const page = await get(path);
  const bundle = await get(`${path}/bundle`);
  assert.equal(bundle.headers['content-disposition'], "attachment; filename*=UTF-8''hearth.zip");
  const { vkey } = await server.operator.call('getCheckpoint', {});
  assert.ok(page.text.includes(vkey));
  const { entries, isComplete } = verifyBundle(bundle.body, { vkey });
  assert.equal(isComplete, false);
  assert.deepEqual(
    entries.map(({ predicateType, predicate }) => [predicateType, predicate['evidence'] ?? predicate['product']]),
    [
      ['urn:pawl:product:1', 'hearth'],
      ['urn:pawl:evidence:1', declaration],
    ],
  );
  for (const text of [page.text, JSON.stringify(entries)]) {
    for (const hidden of [DEVICE, 'stove', 'Stove', 'Internal audit']) assert.ok(!text.includes(hidden), hidden);
  }
  assert.throws(() => verifyBundle(bundle.body, { vkey: vkey.replace(/.{4}$/, 'AAA=') }));
  const broken = Uint8Array.from(bundle.body);
  broken[broken.length >> 1] = (broken[broken.length >> 1] ?? 0) ^ 1;
  assert.throws(() => verifyBundle(broken, { vkey }));
  const shared = await get(`${path}/documents/${declaration}`);
  assert.equal(shared.text, '%PDF-1.7 Declaration <b>x</b>');
  assert.deepEqual(
    [shared.headers['content-type'], shared.headers['content-disposition']],
    ['application/octet-stream', "attachment; filename*=UTF-8''Declaration%20%3Cb%3Ex%3Cb%3E.pdf"],
  );
  for (const id of [unshared, foreign, 0, 999_999])
    refused(await get(`${path}/documents/${id}`), 404, 'SHARE_DOCUMENT_UNKNOWN');
  for (const id of ['1e0', '-1', '..%2f..%2fbundle', `${declaration}%00`])
    assert.equal((await get(`${path}/documents/${id}`)).status, 404, id);
  const withDevices = await make({ includesDevices: true });
  const more = verifyBundle((await get(`${withDevices.path}/bundle`)).body, { vkey });
  assert.ok(more.entries.some(({ subject }) => subject[0]?.name === `device/${DEVICE}`));
});

test('a share that has a code shows nothing without it, whatever is asked for', async () => {
  const { path, code, share } = await make({ needsCode: true });
  for (const ask of [path, `${path}/bundle`, `${path}/documents/${declaration}`]) {
    const answer = await get(ask);
    assert.equal(answer.status, 401);
    assert.match(answer.text, /<label for="code">/);
    assert.doesNotMatch(answer.text, /Hearth|Import/);
    assert.equal((await post(ask, 'x'.repeat(12), '192.0.2.9')).status, 403);
    assert.equal((await post(ask, code ?? '')).status, 200);
  }
  const page = await post(path, code ?? '');
  assert.match(page.text, new RegExp(`action="${path}/bundle"><input type="hidden" name="code" value="${code}"`));
  const { items } = await server.operator.call('listAudit', { query: { actor: `share/${share.id}` } });
  assert.deepEqual(
    new Set(items.map(({ operation, result }) => `${operation} ${result}`)),
    new Set(
      ['viewShare', 'exportShare', 'getShareDocument'].flatMap((one) =>
        ['ok', 'SHARE_CODE_WANTED', 'SHARE_CODE_WRONG'].map((result) => `${one} ${result}`),
      ),
    ),
  );
  const [listed] = (await server.operator.call('listShares', { query: { product: 'hearth' } })).items;
  assert.deepEqual([listed?.id, listed?.visits, listed?.state], [share.id, 4, 'open']);
});

test('a share that is revoked, over or unknown leads nowhere, and says no more than that', async () => {
  const { path, share } = await make();
  await server.operator.call('revokeShare', { params: { id: share.id }, body: { reason: 'the contract ended' } });
  const asks = (of: string) => [of, `${of}/bundle`, `${of}/documents/${declaration}`];
  for (const ask of asks(path)) refused(await get(ask, '192.0.2.2'), 404, 'SHARE_LINK_INVALID');
  const again = server.operator.call('revokeShare', { params: { id: share.id }, body: { reason: 'again' } });
  await assert.rejects(again, { code: 'SHARE_ENDED' });
  const late = await make({ validForDays: 1 });
  assert.equal((await get(late.path)).status, 200);
  atMs += DAY_MS;
  for (const ask of asks(late.path)) refused(await get(ask, '192.0.2.3'), 404, 'SHARE_LINK_INVALID');
  for (const ask of asks(`/share/${'A'.repeat(43)}`)) refused(await get(ask, '192.0.2.4'), 404, 'SHARE_LINK_INVALID');
  const acts = verifyBundle(await server.operator.call('exportBundle', {}), {
    vkey: (await server.operator.call('getCheckpoint', {})).vkey,
  }).entries.filter(({ predicate }) => predicate['share'] === share.id);
  assert.deepEqual(
    acts.map(({ predicate: { act, reason } }) => [act, reason]),
    [
      ['make', undefined],
      ['revoke', 'the contract ended'],
    ],
  );
});

test('whoever guesses links or codes is slowed down; the one who was let in is not', async () => {
  const { path, code } = await make({ needsCode: true });
  const guesses = [];
  for (let turn = 0; turn < 11; turn += 1) guesses.push((await post(path, `guess-${turn}`, '192.0.2.5')).status);
  assert.deepEqual([guesses[0], guesses[9], guesses[10]], [403, 403, 429]);
  assert.equal((await post(path, code ?? '', '192.0.2.5')).status, 429);
  assert.equal((await post(path, code ?? '', '192.0.2.6')).status, 200);
});

test('whoever knocks without the code is slowed down too, and visits at the same time are no more than one after the other', async () => {
  const { path, code } = await make({ needsCode: true });
  const knocks = [];
  for (let turn = 0; turn < 31; turn += 1) knocks.push((await get(path, '192.0.2.7')).status);
  assert.deepEqual([new Set(knocks.slice(0, 30)), knocks[30]], [new Set([401]), 429]);
  assert.equal((await post(path, code ?? '', '192.0.2.8')).status, 200);
  const open = `${(await make()).path}/documents/${declaration}`;
  const visits = await Promise.all(Array.from({ length: 60 }, () => get(open, '192.0.2.8')));
  const counted = [200, 429].map((status) => visits.filter((one) => one.status === status).length);
  assert.deepEqual(counted, [30, 30]);
});

test('only documents of the product that count are shared, and nobody of another tenant shares or ends anything here', async () => {
  await assert.rejects(make({ documents: [foreign] }), { code: 'EVIDENCE_UNKNOWN' });
  await assert.rejects(make({ documents: [999_999] }), { code: 'EVIDENCE_UNKNOWN' });
  await assert.rejects(make({ product: 'other' }), { code: 'PRODUCT_UNKNOWN' });
  const { share } = await make();
  const { claim } = await server.operator.call('createTenant', { body: { name: 'other' } });
  const { token } = await new ManagementClient({ url: server.url }).call('login', { body: { claim, label: 'x' } });
  const other = new ManagementClient({ url: server.url, token });
  assert.deepEqual((await other.call('listShares', { query: {} })).items, []);
  const end = other.call('revokeShare', { params: { id: share.id }, body: { reason: 'no' } });
  await assert.rejects(end, { code: 'SHARE_UNKNOWN' });
  const body = { product: 'hearth', audience: 'x', role: 'buyer' } as const;
  await assert.rejects(other.call('makeShare', { body }), { code: 'PRODUCT_UNKNOWN' });
});
