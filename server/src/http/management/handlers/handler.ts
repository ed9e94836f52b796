/** What a handler is (parsed input and ports in, plain data out), and how lists are cut into pages. */
import type { Readable } from 'node:stream';
import type { OperationOutput } from '@pawl/contract/client';
import type { MANAGEMENT_OPERATIONS, ManagementOperationId } from '@pawl/contract/management';
import type { z } from 'zod';
import type { ServerPorts } from '../../../acts/ports.ts';
import type { Actor } from '../../../domain/actor.ts';
import type { Visitor } from '../visitor.ts';

type Operations = typeof MANAGEMENT_OPERATIONS;
type Parsed<O, K extends string> = K extends keyof O
  ? O[K] extends z.ZodType
    ? z.output<O[K]>
    : undefined
  : undefined;

export type Request<Id extends ManagementOperationId> = {
  readonly actor: Actor;
  readonly visitor: Visitor;
  readonly params: Parsed<Operations[Id], 'params'>;
  readonly query: Parsed<Operations[Id], 'query'>;
  /** The header: up to where the reader of a stream came. */
  readonly lastEventId: string | string[] | undefined;
  /** Aborted when whoever asked is no longer there. */
  readonly gone: AbortSignal;
  /** Who asks, as it is by now; undefined when that is nobody who may. */
  readonly stillAllowed: () => Promise<Actor | undefined>;
  readonly body: Operations[Id] extends { body: 'bytes' } ? Readable : Parsed<Operations[Id], 'body'>;
};
type Handler<Id extends ManagementOperationId> = (
  request: Request<Id>,
  ports: ServerPorts,
) => Promise<OperationOutput<Id>>;
export type Handlers = { readonly [Id in ManagementOperationId]: Handler<Id> };

export const DONE = { isDone: true } as const;
export const PAGE = 100;

/** A page of rows and the cursor behind its last one; one row more than asked for tells whether there is a next. */
export function pageOf<T>(
  rows: readonly T[],
  limit: number,
  cursorOf: (row: T) => string,
): { items: T[]; next: string | null } {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, next: rows.length > limit && last !== undefined ? cursorOf(last) : null };
}
