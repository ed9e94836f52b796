/**
 * The typed client of the management API, made from the operations table. Answers are checked against the contract; a
 * refusal (problem JSON) becomes a `RemoteError` with the server's code.
 */
import { z } from 'zod';
import { MANAGEMENT_OPERATIONS, type ManagementOperation, type ManagementOperationId } from '../management/index.ts';
import type { PawlEvent } from '../management/resources/event.ts';
import { ClientError, RemoteError } from './errors.ts';
import { readMessages } from './event-stream.ts';

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

/** What an operation takes: `params`, `query` and `body`, as far as it has them. */
export type OperationInput<Id extends ManagementOperationId> = Part<Operations[Id], 'params'> &
  Partial<Part<Operations[Id], 'query'>> &
  Part<Operations[Id], 'body'> &
  BytesBody<Operations[Id]>;

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
};

type AnyInput = {
  readonly params?: Readonly<Record<string, unknown>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
  readonly sizeBytes?: number;
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

async function refusalOf(response: Response): Promise<Error> {
  const parsed = problem.safeParse(await response.json().catch(() => undefined));
  if (parsed.success) return new RemoteError(parsed.data);
  return new ClientError('CLIENT_ANSWER_UNEXPECTED', { status: response.status });
}

async function send(url: string, init: RequestInit, fetcher: typeof globalThis.fetch): Promise<Response> {
  try {
    return await fetcher(url, init);
  } catch (cause) {
    throw new ClientError('CLIENT_UNREACHABLE', { url }, cause);
  }
}

/** The text of an answer as it comes. */
async function* textOfBody(response: Response): AsyncGenerator<string> {
  const decoder = new TextDecoderStream();
  for await (const piece of response.body?.pipeThrough(decoder) ?? []) yield piece;
}

function waitFor(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(done, ms);
    if (signal.aborted) done();
    signal.addEventListener('abort', done, { once: true });
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
    const operation: ManagementOperation = MANAGEMENT_OPERATIONS[id];
    const { url, token, fetch = globalThis.fetch } = this.#options;
    const given = input as AnyInput;
    const response = await send(urlOf(url, operation, given), requestOf(operation, given, token), fetch);
    if (!response.ok) throw await refusalOf(response);
    if (operation.response === 'text') return (await response.text()) as OperationOutput<Id>;
    if (operation.response === 'events') return textOfBody(response) as OperationOutput<Id>;
    if (operation.response === 'bytes') return new Uint8Array(await response.arrayBuffer()) as OperationOutput<Id>;
    const parsed = operation.response.safeParse(await response.json().catch(() => undefined));
    if (parsed.success) return parsed.data as OperationOutput<Id>;
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
        if (!response.ok) throw await refusalOf(response);
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
