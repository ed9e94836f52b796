import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cacheBuster } from './cache-buster.ts';
import { linksOf, originOf } from './links.ts';
import { parseControllerId, parseFileName, parseHistory, parseId, parseTenant } from './parameters.ts';
import { encodeSleep } from './poll-timing.ts';

test('builds absolute URLs from the public URL, whatever the Host header says', () => {
  const origin = originOf({ publicUrl: 'https://ota.example/x/', isSecure: false, host: 'evil.example' });
  assert.equal(origin, 'https://ota.example/x');
  const links = linksOf(origin, 'DEFAULT', 'dev 1/ü');
  const base = 'https://ota.example/x/DEFAULT/controller/v1/dev%201%2F%C3%BC';
  assert.equal(links.deploymentBase(17, -5), `${base}/deploymentBase/17?c=-5`);
  assert.equal(links.cancelAction(17), `${base}/cancelAction/17`);
  assert.equal(links.artifact(12, 'a.swu'), `${base}/softwaremodules/12/artifacts/a.swu`);
  assert.equal(links.trust(), 'https://ota.example/x/DEFAULT/pawl/v1/trust/');
});

test('takes a Host header of the strict form only', () => {
  const of = (host: string | undefined) => originOf({ isSecure: false, host });
  for (const host of ['127.0.0.1:8080', 'ota.example', '[::1]:80', 'my_host.local.']) {
    assert.equal(of(host), `http://${host}`);
  }
  for (const host of [undefined, '', 'a b', 'a/b', 'a@b', 'a:b', '"', 'x\r\ny', 'a..b', '[::1', '-a', 'a?b', 'a#b']) {
    assert.throws(() => of(host), { code: 'DEVICE_PARAMETER_INVALID' });
  }
});

test('writes sleep times in exactly eight characters', () => {
  for (const [seconds, text] of [
    [1, '00:00:01'],
    [0, '00:00:01'],
    [0.5, '00:00:01'],
    [300, '00:05:00'],
    [3661, '01:01:01'],
    [86_399, '23:59:59'],
    [1e9, '23:59:59'],
  ] as const) {
    assert.equal(encodeSleep(seconds), text);
  }
});

test('gives a cache-buster of 32 bits that follows its facts', () => {
  const c = cacheBuster([17, true]);
  assert.equal(c, cacheBuster([17, true]));
  assert.notEqual(c, cacheBuster([17, false]));
  assert.ok(Number.isInteger(c) && c === (c | 0));
});

test('takes path parts by their grammar', () => {
  assert.equal(parseControllerId('Board-1 ü'), 'Board-1 ü');
  assert.equal(parseId('actionId', '17'), 17);
  assert.equal(parseFileName('a_1.2-b.swu'), 'a_1.2-b.swu');
  assert.equal(parseTenant('DEFAULT'), 'DEFAULT');
  assert.deepEqual([undefined, '', '0', '5', '-1', '1000'].map(parseHistory), [0, 0, 0, 5, 100, 100]);
});

test('refuses path-like and malformed parts', () => {
  const code = { code: 'DEVICE_PARAMETER_INVALID' };
  for (const name of [undefined, '', '.', '..', '../x', 'a/b', 'a\\b', 'a\0b', 'a\nb', 'x'.repeat(257)]) {
    assert.throws(() => parseControllerId(name), code);
  }
  for (const name of [undefined, '', '.', '..', '.hidden', '../x', 'a/b', 'a b', 'a\0', 'x'.repeat(129)]) {
    assert.throws(() => parseFileName(name), code);
  }
  for (const id of [undefined, '', '0', '-1', '1.5', '1e3', '017', 'x', '9'.repeat(20)]) {
    assert.throws(() => parseId('actionId', id), code);
  }
  assert.throws(() => parseId('actionId', '2147483648'), { code: 'DEVICE_NOT_FOUND' });
  assert.throws(() => parseTenant('../x'), code);
  assert.throws(() => parseHistory('x'), code);
});
