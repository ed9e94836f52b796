/** What the device API needs of the rest of the server. */
import type { ServerPorts } from '../../acts/ports.ts';
import type { RateLimit } from '../rate-limit.ts';
import type { ConnectionPorts } from './connection.ts';
import type { DeviceDirectory } from './known-device.ts';
import type { ErrorLog } from './reply.ts';

export type DevicePorts = ServerPorts &
  ConnectionPorts & {
    readonly directory: DeviceDirectory;
    /** Under which devices reach the server; without it, the Host header of each request. */
    readonly publicUrl: string | undefined;
    readonly pollIntervalS: number;
    /** At which clients that name no tenant ask to be let in. */
    readonly defaultTenant: string;
    /** Called at every poll; kept in memory and written in batches. */
    readonly noteSeen: (deviceId: number, atMs: number) => void;
    /** New keys that one source may introduce. */
    readonly introductions: RateLimit;
    readonly log: ErrorLog;
  };
