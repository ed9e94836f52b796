/** Patterns of names, against the regular expression that they stand for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isNameOf } from './device-certificate.ts';

test('a pattern names exactly what the regular expression with .* for each star matches', () => {
  const text = fc.array(fc.constantFrom('a', 'b', '*', '.'), { maxLength: 8 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(text, text, (pattern, raw) => {
      const name = raw.replaceAll('*', 'a');
      const expression = new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*')}$`);
      assert.equal(isNameOf(pattern, name), expression.test(name), `${pattern} ${name}`);
    }),
  );
});
