/**
 * The typed client of the management API, made from the operations table. Answers are checked against the contract; a
 * refusal (problem JSON) becomes a `RemoteError` with the server's code.
 */
import { z } from 'zod';
import {
  MANAGEMENT_OPERATIONS,
  type ManagementOperation,
  type ManagementOperationId,
  takesIdempotencyKey,
} from '../management/index.ts';
import type { PawlEvent } from '../management/resources/event.ts';
import { ClientError, RemoteError } from './errors.ts';
import { readMessages } from './event-stream.ts';
import { askPatiently, type Failure } from './patience.ts';

type Operations = typeof MANAGEMENT_OPERATIONS;
type In<T> = T extends z.ZodType ? z.input<T> : never;
type Part<O, K extends string> = K extends keyof O
  ? O[K] extends z.ZodType
    ? { [P in K]: In<O[K]> }
    : unknown
  : unknown;
type BytesBody<O> = O extends { body: 'bytes' }
  ? { body: Uint8Array | AsyncIterable<Uint8Array>; sizeBytes: number }
  : unknown;

/** The ETag of what is changed, from `read`; `*`: whatever is there. What may be lost by a change is not changed without. */
type Condition<O> = O extends { changes: { unguarded: string } }
  ? { ifMatch?: string }
  : O extends { changes: { creates: true } }
    ? { ifMatch?: string; ifNoneMatch?: '*' }
    : O extends { changes: object }
      ? { ifMatch: string }
      : unknown;

/** What an operation takes: `params`, `query` and `body`, as far as it has them. */
export type OperationInput<Id extends ManagementOperationId> = Part<Operations[Id], 'params'> &
  Partial<Part<Operations[Id], 'query'>> &
  Part<Operations[Id], 'body'> &
  BytesBody<Operations[Id]> &
  Condition<Operations[Id]>;

/** What an operation gives. */
export type OperationOutput<Id extends ManagementOperationId> = Operations[Id]['response'] extends z.ZodType
  ? z.output<Operations[Id]['response']>
  : Operations[Id]['response'] extends 'text'
    ? string
    : Operations[Id]['response'] extends 'events'
      ? AsyncGenerator<string>
      : Uint8Array;

export type ClientOptions = {
  readonly url: string;
  readonly token?: string | undefined;
  readonly fetch?: typeof globalThis.fetch;
  /** How long to wait altogether to ask again what may be asked again (./patience.ts); not at all when left out. */
  readonly patienceMs?: number;
};

type AnyInput = {
  readonly params?: Readonly<Record<string, unknown>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
  readonly sizeBytes?: number;
  readonly ifMatch?: string;
  readonly ifNoneMatch?: string;
};

const problem = z.object({ code: z.string(), title: z.string(), advice: z.string().default(''), status: z.number() });

/** Path and query values are names and numbers. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new TypeError(`a path or query value is text or a number, not ${typeof value}`);
}

function urlOf(base: string, operation: ManagementOperation, input: AnyInput): string {
  const path = operation.path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(textOf(input.params?.[name])),
  );
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(input.query ?? {}))
    if (value !== undefined) query.set(name, textOf(value));
  return `${base.replace(/\/+$/, '')}${path}${query.size === 0 ? '' : `?${query.toString()}`}`;
}

function requestOf(operation: ManagementOperation, input: AnyInput, token: string | undefined): RequestInit {
  const headers: Record<string, string> = { accept: 'application/json, application/octet-stream' };
  if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
  if (takesIdempotencyKey(operation)) headers['idempotency-key'] = `"${globalThis.crypto.randomUUID()}"`;
  if (input.ifMatch !== undefined) headers['if-match'] = input.ifMatch;
  if (input.ifNoneMatch !== undefined) headers['if-none-match'] = input.ifNoneMatch;
  if (operation.body === undefined) return { method: operation.method, headers };
  if (operation.body === 'bytes') {
    headers['content-type'] = 'application/octet-stream';
    headers['content-length'] = String(input.sizeBytes);
    // Node's fetch streams an async iterable; `duplex` is required for that.
    return { method: operation.method, headers, body: input.body, duplex: 'half' } as unknown as RequestInit;
  }
  headers['content-type'] = 'application/json';
  return { method: operation.method, headers, body: JSON.stringify(input.body ?? {}) };
}

async function refusalOf(response: Response): Promise<Failure> {
  const parsed = problem.safeParse(await response.json().catch(() => undefined));
  if (!parsed.success) {
    const error = new ClientError('CLIENT_ANSWER_UNEXPECTED', { status: response.status });
    return { error, retryAfterS: undefined };
  }
  const retryAfter = response.headers.get('retry-after') ?? '';
  return {
    error: new RemoteError(parsed.data),
    retryAfterS: /^[0-9]{1,6}$/.test(retryAfter) ? Number(retryAfter) : undefined,
  };
}

async function send(url: string, init: RequestInit, fetcher: typeof globalThis.fetch): Promise<Response> {
  try {
    return await fetcher(url, init);
  } catch (cause) {
    throw new ClientError('CLIENT_UNREACHABLE', { url }, cause);
  }
}

type Answered = { readonly content: unknown; readonly etag: string | undefined };

/** What came of an operation, with its whole body where that ends; a line that breaks in between is as if there was none. */
async function ask(
  url: string,
  init: RequestInit,
  { response: kind }: ManagementOperation,
  fetcher: typeof globalThis.fetch,
): Promise<{ readonly answer: Answered } | Failure> {
  try {
    const response = await send(url, init, fetcher);
    if (!response.ok) return await refusalOf(response);
    const etag = response.headers.get('etag') ?? undefined;
    if (kind === 'events') return { answer: { content: textOfBody(response), etag } };
    const content = kind === 'bytes' ? new Uint8Array(await response.arrayBuffer()) : await response.text();
    return { answer: { content, etag } };
  } catch (cause) {
    const error = cause instanceof ClientError ? cause : new ClientError('CLIENT_UNREACHABLE', { url }, cause);
    return { error, retryAfterS: undefined };
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The text of an answer as it comes. */
async function* textOfBody(response: Response): AsyncGenerator<string> {
  const decoder = new TextDecoderStream();
  for await (const piece of response.body?.pipeThrough(decoder) ?? []) yield piece;
}

function waitFor(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(done, ms);
    if (signal?.aborted === true) done();
    signal?.addEventListener('abort', done, { once: true });
  });
}

/** Calls operations of one server with one token. */
export class ManagementClient {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /** @throws ClientError CLIENT_UNREACHABLE, CLIENT_ANSWER_UNEXPECTED; RemoteError with the server's code */
  async call<Id extends ManagementOperationId>(id: Id, input: OperationInput<Id>): Promise<OperationOutput<Id>> {
    return (await this.read(id, input)).value;
  }

  /**
   * The same with the ETag of the answer, which goes into `ifMatch` of a change: nobody else's change is then overwritten.
   * @throws as `call`
   */
  async read<Id extends ManagementOperationId>(
    id: Id,
    input: OperationInput<Id>,
  ): Promise<{ readonly value: OperationOutput<Id>; readonly etag: string }> {
    const operation: ManagementOperation = MANAGEMENT_OPERATIONS[id];
    const { url, token, fetch = globalThis.fetch, patienceMs = 0 } = this.#options;
    const given = input as AnyInput;
    // The key is the request's: asked again, it is the same.
    const address = urlOf(url, operation, given);
    const init = requestOf(operation, given, token);
    const isHarmless = operation.method === 'GET' || takesIdempotencyKey(operation);
    const once = () => ask(address, init, operation, fetch);
    const { content, etag = '*' } = await askPatiently(once, isHarmless ? patienceMs : 0, (ms) => waitFor(ms));
    if (typeof operation.response === 'string') return { value: content as OperationOutput<Id>, etag };
    const parsed = operation.response.safeParse(parseJson(String(content)));
    if (parsed.success) return { value: parsed.data as OperationOutput<Id>, etag };
    const at = parsed.error.issues[0]?.path.map(String).join('.');
    throw new ClientError('CLIENT_ANSWER_UNEXPECTED', { operation: id, at });
  }

  /**
   * Events as they happen, from a place in the stream on, or from now on. A connection that breaks is made again and goes on
   * where it was; that a server refuses ends it.
   * @throws RemoteError with the server's code; ClientError CLIENT_ANSWER_UNEXPECTED
   */
  async *follow(
    query: NonNullable<OperationInput<'streamEvents'>['query']>,
    options: { readonly after?: string | undefined; readonly signal: AbortSignal; readonly retryMs?: number },
  ): AsyncGenerator<PawlEvent> {
    const { signal, retryMs = 2000 } = options;
    const operation = MANAGEMENT_OPERATIONS.streamEvents;
    const { url, token, fetch = globalThis.fetch } = this.#options;
    let place = options.after;
    while (!signal.aborted) {
      const init = requestOf(operation, {}, token);
      const headers = { ...(init.headers as Record<string, string>), accept: 'text/event-stream' };
      const from = place === undefined ? {} : { 'last-event-id': place };
      try {
        const request = { ...init, headers: { ...headers, ...from }, signal };
        const response = await send(urlOf(url, operation, { query }), request, fetch);
        if (!response.ok) throw (await refusalOf(response)).error;
        for await (const message of readMessages(textOfBody(response))) {
          place = message.place ?? place;
          if (message.event !== undefined) yield message.event;
        }
      } catch (error) {
        if (error instanceof RemoteError || (error instanceof ClientError && error.code !== 'CLIENT_UNREACHABLE'))
          throw error;
      }
      await waitFor(retryMs, signal);
    }
  }
}
