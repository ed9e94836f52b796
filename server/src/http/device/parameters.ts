/** The parts of a device API path, each by its own grammar; what is not of its form never reaches the store. */
import { CONTROLLER_ID } from '@pawl/contract/device';
import { DeviceApiError } from './errors.ts';

const ID = /^[1-9][0-9]{0,18}$/;
const INT32_MAX = 2_147_483_647;
const FILE_NAME = /^(?!\.)[A-Za-z0-9._+~-]{1,128}$/;
const TENANT = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;
const INT = /^-?[0-9]{1,10}$/;
const HISTORY_MAX = 100;

function invalid(at: string, actual: string | undefined): DeviceApiError {
  return new DeviceApiError('DEVICE_PARAMETER_INVALID', { at, actual });
}

/** @throws DeviceApiError DEVICE_PARAMETER_INVALID */
export function parseControllerId(text: string | undefined): string {
  if (text === undefined || !CONTROLLER_ID.test(text)) throw invalid('controllerId', text);
  return text;
}

/** @throws DeviceApiError DEVICE_PARAMETER_INVALID */
export function parseTenant(text: string | undefined): string {
  if (text === undefined || !TENANT.test(text)) throw invalid('tenant', text);
  return text;
}

/**
 * Path ids are 64 bits wide in DDI; ours fit 32, so a larger one names nothing.
 * @throws DeviceApiError DEVICE_PARAMETER_INVALID, DEVICE_NOT_FOUND
 */
export function parseId(at: string, text: string | undefined): number {
  if (text === undefined || !ID.test(text)) throw invalid(at, text);
  if (BigInt(text) > BigInt(INT32_MAX)) throw new DeviceApiError('DEVICE_NOT_FOUND', { at, actual: text });
  return Number(text);
}

/** @throws DeviceApiError DEVICE_PARAMETER_INVALID */
export function parseFileName(text: string | undefined): string {
  if (text === undefined || !FILE_NAME.test(text)) throw invalid('fileName', text);
  return text;
}

/**
 * How many messages of the action's history are asked for: 0 none, -1 all (at most 100).
 * @throws DeviceApiError DEVICE_PARAMETER_INVALID
 */
export function parseHistory(text: unknown): number {
  if (text === undefined || text === '') return 0;
  if (typeof text !== 'string' || !INT.test(text)) throw invalid('actionHistory', typeof text);
  const count = Number(text);
  return count < 0 ? HISTORY_MAX : Math.min(count, HISTORY_MAX);
}
