import assert from 'node:assert/strict';
import { test } from 'node:test';
import { secretText, signedHeaders } from './sign.ts';

test('signs as the published vector of Standard Webhooks', () => {
  const secret = new Uint8Array(Buffer.from('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'base64'));
  assert.equal(secretText(secret), 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
  const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', atMs: 1_614_265_330_999, body: '{"test": 2432232314}' };
  const headers = signedHeaders(message, [secret]);
  assert.equal(headers['webhook-signature'], 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
  assert.equal(headers['webhook-timestamp'], '1614265330');
  assert.equal(signedHeaders(message, [secret, secret])['webhook-signature']?.split(' ').length, 2);
});
