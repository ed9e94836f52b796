/** A request of Mender's device API after its body was read and its sender named; and what answers it. */
import type { Readable } from 'node:stream';
import type { MENDER_OPERATIONS, MenderOperationId } from '@pawl/contract/mender';
import type { z } from 'zod';
import type { KnownDevice } from '../device/known-device.ts';
import type { DevicePorts } from '../device/ports.ts';

type Operations = typeof MENDER_OPERATIONS;

type Parsed<O, K extends string> = K extends keyof O
  ? O[K] extends z.ZodType
    ? z.output<O[K]>
    : undefined
  : undefined;

/** The device behind a token, and the token: tickets are made from it. */
export type MenderSender = {
  readonly device: KnownDevice;
  readonly authId: number;
  readonly token: string;
  readonly ticketSha256: Uint8Array | null;
};

type SenderOf<Id extends MenderOperationId> = Operations[Id]['auth'] extends 'token' ? MenderSender : undefined;

export type MenderRequest<Body, Query, Sender> = {
  readonly sender: Sender;
  readonly method: string;
  readonly params: Readonly<Record<string, string | undefined>>;
  readonly query: Query;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Body;
  /** Exactly the bytes that were sent: they are what is signed. */
  readonly bodyBytes: Uint8Array;
  /** Where clients reach the server: scheme and host. */
  readonly origin: string;
};

export type MenderAnswer =
  | { readonly kind: 'document'; readonly document: object }
  | {
      readonly kind: 'empty';
      readonly status?: 200 | 201 | 204 | 304;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'text'; readonly contentType: string; readonly text: string }
  | {
      readonly kind: 'stream';
      readonly status: 200 | 206;
      readonly sizeBytes: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly open: () => Readable;
    };

export type MenderHandler<Id extends MenderOperationId> = (
  request: MenderRequest<Parsed<Operations[Id], 'body'>, Parsed<Operations[Id], 'query'>, SenderOf<Id>>,
  ports: DevicePorts,
) => Promise<MenderAnswer>;

/** One handler for every operation of the contract: a missing one does not compile. */
export type MenderHandlers = { readonly [Id in MenderOperationId]: MenderHandler<Id> };
