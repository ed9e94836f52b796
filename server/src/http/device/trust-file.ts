/**
 * Serves the files of the TUF repository under a strict grammar of names: `timestamp.json`, every other role with its
 * version, and the key lists of the lines with their digest in front (consistent snapshot, TUF 1.0 §6.2). The bytes are
 * those that were signed.
 */
import { readTrustFile } from '../../store/trust-files.ts';
import type { Answer } from './answer.ts';
import { DeviceApiError } from './errors.ts';
import type { DevicePorts } from './ports.ts';
import type { Handler } from './request.ts';

const METADATA_FILE = /^(?:timestamp|[1-9][0-9]{0,9}\.[a-z0-9][a-z0-9-]{0,62})\.json$/;
const KEYS_FILE = /^[0-9a-f]{64}\.[a-z0-9][a-z0-9-]{0,62}\.cbor$/;

async function serve(tenant: string, name: string, ports: DevicePorts): Promise<Answer> {
  const isKeys = KEYS_FILE.test(name);
  const isKnownForm = isKeys || METADATA_FILE.test(name);
  const bytes = isKnownForm ? await readTrustFile(ports.database.read, tenant, name) : undefined;
  if (bytes === undefined) throw new DeviceApiError('DEVICE_NOT_FOUND', { at: 'fileName', actual: name });
  return { kind: 'bytes', contentType: isKeys ? 'application/cbor' : 'application/json', bytes };
}

export const getTrustFile: Handler<'getTrustFile'> = ({ tenant, params }, ports) =>
  serve(tenant, params['fileName'] ?? '', ports);

/** The same file under the path that it has as a TUF target. */
export const getLineKeys: Handler<'getLineKeys'> = async ({ tenant, params }, ports) => {
  const name = params['fileName'] ?? '';
  if (!KEYS_FILE.test(name)) throw new DeviceApiError('DEVICE_NOT_FOUND', { at: 'fileName', actual: name });
  return serve(tenant, name, ports);
};
