/**
 * Signatures of Standard Webhooks (github.com/standard-webhooks/standard-webhooks, specification 1.0.0): HMAC-SHA256 over
 * `id.timestamp.body`, one signature for each secret that is valid.
 */
import { createHmac } from 'node:crypto';
import { toBase64 } from '@pawl/core/bytes';

/** A secret as its owner gets it, once. */
export function secretText(secret: Uint8Array): string {
  return `whsec_${toBase64(secret)}`;
}

export type Message = { readonly id: string; readonly atMs: number; readonly body: string };

/** The headers of a message under the secrets that are valid now, the newest first. */
export function signedHeaders(message: Message, secrets: readonly Uint8Array[]): Record<string, string> {
  const timestamp = String(Math.floor(message.atMs / 1000));
  const content = `${message.id}.${timestamp}.${message.body}`;
  const signatures = secrets.map((secret) => `v1,${createHmac('sha256', secret).update(content).digest('base64')}`);
  return {
    'content-type': 'application/cloudevents+json; charset=utf-8',
    'webhook-id': message.id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  };
}
