/**
 * What an operation of the management API says of itself, and the pieces that many share.
 *
 * `allow` is the permission that whoever calls must hold; `anybody` is everybody whom the server knows; `open` needs nobody. `errors` lists the codes beyond those that any
 * operation may give (API_UNAUTHENTICATED, API_FORBIDDEN, API_REQUEST_INVALID, API_BODY_TOO_LARGE,
 * API_CONTENT_TYPE_UNSUPPORTED).
 */
import { z } from 'zod';
import type { Permission } from '../permissions.ts';
import { controllerId, numericId } from '../resources/names.ts';

/** A member of the path, the query or the body, or what an id in the path stands for. */
type LineOf = 'params.line' | 'query.line' | 'body.line' | 'release' | 'rollout';

/** What of a change is guarded against another one at the same time. */
type Change = {
  /** The operation that reads what is changed: its ETag goes into `If-Match`. */
  readonly of: string;
  /** Why a change that comes without `If-Match` is let in; without a reason it is not (428), when there is something to lose. */
  readonly unguarded?: string;
  /** What is not there is made. */
  readonly creates?: true;
};

export type ManagementOperation = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly summary: string;
  readonly allow: Permission | 'anybody' | 'open';
  /**
   * Where the operation names the product line that it is about. Who is limited to some lines may use no operation that does
   * not say.
   */
  readonly line?: LineOf;
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  /** `bytes`: the raw body, streamed. */
  readonly body?: z.ZodType | 'bytes';
  readonly bodyBytesMax?: number;
  /** `events`: text/event-stream without an end; `text`: plain text. */
  readonly response: z.ZodType | 'bytes' | 'text' | 'events';
  /** Of an answer in bytes; a zip file when left out. */
  readonly responseType?: string;
  /** Of a read: members of its answer that change without anybody changing it. They do not make an `If-Match` stale. */
  readonly volatile?: readonly string[];
  readonly changes?: Change;
  readonly errors: readonly string[];
};

export type OperationTable = Readonly<Record<string, ManagementOperation>>;

/** Whether a request may carry an `Idempotency-Key`: everything that makes something, by somebody the server knows. */
export function takesIdempotencyKey({ method, allow }: Pick<ManagementOperation, 'method' | 'allow'>): boolean {
  return method === 'POST' && allow !== 'open';
}

/** What an `Idempotency-Key` looks like; the quotes of a structured field (RFC 9651 §3.3.3) may be left out. */
export const IDEMPOTENCY_KEY: RegExp = /^(?:"[A-Za-z0-9_-]{16,64}"|[A-Za-z0-9_-]{16,64})$/;

/** A reason to be unguarded. */
export const ENDS = 'it ends, however it was changed before';

/** Numbers of paths and queries have one spelling: decimal digits. Anything else stays text, and is refused as such. */
export function inUrl<T extends z.ZodType>(schema: T): z.ZodPreprocess<T> {
  const isDecimal = (value: unknown): value is string =>
    typeof value === 'string' && /^(0|[1-9][0-9]{0,14})$/.test(value);
  return z.preprocess((value) => (isDecimal(value) ? Number(value) : value), schema);
}

export const id = inUrl(numericId);
export const byId = z.strictObject({ id });
export const byController = z.strictObject({ controllerId });
export const limit = inUrl(z.number().int().min(1).max(500)).optional();
export const cursor = z.string().max(200).optional();
export const page = <T extends z.ZodType>(
  item: T,
): z.ZodObject<{ items: z.ZodArray<T>; next: z.ZodNullable<z.ZodString> }> =>
  z.strictObject({ items: z.array(item), next: z.string().nullable() });
export const done = z.strictObject({ isDone: z.literal(true) });
