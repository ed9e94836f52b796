/** The device's own attributes (DDI configData): merge, replace or remove, at most 100 afterwards. Pure. */
import type { DdiConfigData } from '@pawl/contract/device';
import { DeviceApiError } from './errors.ts';

const ATTRIBUTES_MAX = 100;

export type Attributes = Readonly<Record<string, string>>;

/** @throws DeviceApiError DEVICE_ATTRIBUTES_INVALID, DEVICE_BODY_MALFORMED */
export function mergeAttributes(known: Attributes, { mode, data }: DdiConfigData): Attributes {
  const result = new Map(mode === 'replace' ? [] : Object.entries(known));
  for (const [name, value] of Object.entries(data)) {
    if (mode === 'remove') result.delete(name);
    else if (value === null)
      throw new DeviceApiError('DEVICE_BODY_MALFORMED', { at: `data.${name}`, expected: 'text' });
    else result.set(name, value);
  }
  if (result.size > ATTRIBUTES_MAX) {
    throw new DeviceApiError('DEVICE_ATTRIBUTES_INVALID', { expected: ATTRIBUTES_MAX, actual: result.size });
  }
  return Object.fromEntries(result);
}
