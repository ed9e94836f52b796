/** A request of the device API after its path was parsed, its sender named and its body read; and what answers it. */
import type { DEVICE_OPERATIONS, DeviceOperationId } from '@pawl/contract/device';
import type { z } from 'zod';
import type { Answer } from './answer.ts';
import type { KnownDevice } from './known-device.ts';
import type { DeviceLinks } from './links.ts';
import type { DevicePorts } from './ports.ts';

type Operations = typeof DEVICE_OPERATIONS;

type BodyOf<Id extends DeviceOperationId> = Operations[Id] extends { body: infer Body }
  ? Body extends z.ZodType
    ? z.output<Body>
    : Uint8Array
  : undefined;

type SenderOf<Id extends DeviceOperationId> = Operations[Id]['auth'] extends 'device' ? KnownDevice : undefined;

export type DeviceRequest<Body, Sender> = {
  /** As the store knows it: lower case. */
  readonly tenant: string;
  readonly device: Sender;
  readonly method: string;
  readonly params: Readonly<Record<string, string | undefined>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Where it came from, as far as that is known. */
  readonly source: string;
  readonly body: Body;
  readonly links: DeviceLinks;
};

export type Handler<Id extends DeviceOperationId> = (
  request: DeviceRequest<BodyOf<Id>, SenderOf<Id>>,
  ports: DevicePorts,
) => Promise<Answer>;

/** One handler for every operation of the contract: a missing one does not compile. */
export type Handlers = { readonly [Id in DeviceOperationId]: Handler<Id> };
