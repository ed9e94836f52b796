/** Where a request came from: the peer, or what the trusted proxy in front says. */
import type { IncomingMessage } from 'node:http';
import { isEqualBytes, utf8 } from '@pawl/core/bytes';

const ADDRESS_CHARS_MAX = 45;

/** The address of the sender: what the proxy in front added last, if it proves to be the one that is trusted. */
export function sourceOf({ headers, socket }: IncomingMessage, proxySecret: string | undefined): string {
  const said = String(headers['x-forwarded-for'] ?? '')
    .split(',')
    .at(-1)
    ?.trim();
  const shown = headers['x-pawl-proxy-secret'];
  const isTrusted =
    proxySecret !== undefined && typeof shown === 'string' && isEqualBytes(utf8(shown), utf8(proxySecret));
  return isTrusted && said !== undefined && said !== '' && said.length <= ADDRESS_CHARS_MAX
    ? said
    : (socket.remoteAddress ?? '');
}
