import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { utf8 } from '../bytes/index.ts';
import { describeImage, IMAGE_FORMATS, identifyImage } from './identify.ts';

test('every format of the table has its own test file', () => {
  const files: Readonly<Record<string, string>> = {
    'cortex-m-raw': 'cortex-m',
    raw: 'identify',
    mcuboot: 'mcuboot/describe',
    'esp-image': 'esp/verify',
    fit: 'fit/verify',
    'device-tree': 'fit/device-tree',
  };
  for (const format of Object.keys(IMAGE_FORMATS)) {
    assert.ok(existsSync(`${import.meta.dirname}/${files[format] ?? format}.test.ts`), format);
  }
});

test('every format that is verified says by which signatures', () => {
  for (const [format, { verify, signatures }] of Object.entries(IMAGE_FORMATS)) {
    assert.equal(verify === undefined, signatures === undefined, format);
  }
});

test('what no format recognises is raw, however short', () => {
  for (const bytes of [utf8('hello'), Uint8Array.of(0), utf8('070701'), utf8(':zz'), new Uint8Array(200)]) {
    assert.equal(identifyImage(bytes), 'raw');
    assert.deepEqual(describeImage(bytes), { format: 'raw', sizeBytes: bytes.length });
  }
});

test('refuses an image of no bytes', () => {
  assert.equal(identifyImage(new Uint8Array()), 'raw');
  assert.throws(() => describeImage(new Uint8Array()), { code: 'IMAGE_MALFORMED' });
});
