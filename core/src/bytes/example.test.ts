import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex, isCodedError, isEqualBytes, toBase64Url, utf8 } from '@pawl/core/bytes';

test('strict conversions, and errors that say what was expected', () => {
  assert.equal(toBase64Url(utf8('pawl')), 'cGF3bA');
  // Constant time: how long it takes says nothing about where the bytes differ.
  assert.equal(isEqualBytes(fromHex('00ff'), Uint8Array.of(0, 255)), true);
  try {
    fromHex('0g');
  } catch (error) {
    // Every error of the library has a code, a message and an advice.
    if (isCodedError(error)) assert.equal(error.code, 'BYTES_HEX_INVALID');
  }
});
