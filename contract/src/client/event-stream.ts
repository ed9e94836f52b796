/** Reads text/event-stream (HTML Standard §9.2.6): fields by line, an empty line ends a message, comments are skipped. */
import { event, type PawlEvent } from '../management/resources/event.ts';
import { ClientError } from './errors.ts';

export type StreamMessage = { readonly place: string | undefined; readonly event: PawlEvent | undefined };

/** A message of a server is far smaller. */
const MESSAGE_CHARS_MAX = 1_048_576;

function messageOf(block: string): StreamMessage {
  const fields = new Map<string, string>();
  for (const line of block.split('\n')) {
    const [, name, value = ''] = /^([^:]+)(?:: ?(.*))?$/.exec(line) ?? [];
    if (name !== undefined) fields.set(name, fields.has(name) ? `${fields.get(name)}\n${value}` : value);
  }
  const data = fields.get('data');
  const place = fields.get('id');
  if (data === undefined) return { place, event: undefined };
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch (cause) {
    throw new ClientError('CLIENT_ANSWER_UNEXPECTED', { operation: 'streamEvents' }, cause);
  }
  const parsed = event.safeParse(value);
  if (!parsed.success) throw new ClientError('CLIENT_ANSWER_UNEXPECTED', { operation: 'streamEvents' });
  return { place, event: parsed.data };
}

/**
 * The messages of a stream as they come.
 * @throws ClientError CLIENT_ANSWER_UNEXPECTED
 */
export async function* readMessages(pieces: AsyncIterable<string>): AsyncGenerator<StreamMessage> {
  let rest = '';
  for await (const piece of pieces) {
    rest += piece.replaceAll('\r', '');
    for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
      yield messageOf(rest.slice(0, end));
      rest = rest.slice(end + 2);
    }
    if (rest.length > MESSAGE_CHARS_MAX) throw new ClientError('CLIENT_ANSWER_UNEXPECTED', { at: 'message size' });
  }
}
