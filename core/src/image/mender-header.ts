/**
 * The texts of Mender artifacts (Mender artifact format, version 3): the manifest, which `sha256sum` could have written, and
 * the JSON of `version` and `header-info`. Members that are not named here are left to the device.
 */
import { fromUtf8, isCodedError } from '../bytes/index.ts';
import { ImageError } from './errors.ts';

const TEXT_SIZE_BYTES_MAX = 1024 * 1024;
const LINES_MAX = 4096;
const PAYLOADS_MAX = 64;

/** What `header-info` says about the artifact. */
export type MenderHeader = {
  readonly artifactName: string;
  readonly artifactGroup?: string;
  /** Devices of these types may install it. */
  readonly deviceTypes: readonly string[];
  /** `rootfs-image`, or the name of an update module; null for an artifact without payload. */
  readonly payloadTypes: readonly (string | null)[];
};

function malformed(expected: string, file: string, cause?: unknown): ImageError {
  return new ImageError('IMAGE_MALFORMED', { format: 'mender', expected, file }, cause);
}

function textOf(bytes: Uint8Array, file: string): string {
  if (bytes.length > TEXT_SIZE_BYTES_MAX) throw malformed(`at most ${TEXT_SIZE_BYTES_MAX} bytes of text`, file);
  try {
    return fromUtf8(bytes);
  } catch (cause) {
    if (!isCodedError(cause)) throw cause;
    throw malformed('text in UTF-8', file);
  }
}

type JsonObject = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseObject(bytes: Uint8Array, file: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(textOf(bytes, file));
  } catch (cause) {
    throw cause instanceof ImageError ? cause : malformed('JSON', file, cause);
  }
  if (!isObject(value)) throw malformed('a JSON object', file);
  return value;
}

/** @throws ImageError IMAGE_MALFORMED */
export function checkVersion(bytes: Uint8Array): void {
  const { format, version } = parseObject(bytes, 'version');
  if (format !== 'mender' || version !== 3) throw malformed('version 3 of the format mender', 'version');
}

/** The digest of each file, in hexadecimal, by its name. @throws ImageError IMAGE_MALFORMED */
export function parseManifest(bytes: Uint8Array): ReadonlyMap<string, string> {
  const lines = textOf(bytes, 'manifest').split('\n');
  if (lines.pop() !== '' || lines.length > LINES_MAX) throw malformed(`at most ${LINES_MAX} whole lines`, 'manifest');
  const digests = new Map<string, string>();
  for (const line of lines) {
    const [, digest, name] = /^([0-9a-f]{64}) {2}(\S.*)$/.exec(line) ?? [];
    if (digest === undefined || name === undefined) throw malformed('a digest, two spaces and a name', 'manifest');
    if (digests.has(name)) throw malformed('each file once', 'manifest');
    digests.set(name, digest);
  }
  return digests;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function parsePayloadType(payload: unknown): string | null {
  const type = isObject(payload) ? payload['type'] : undefined;
  if (type !== null && typeof type !== 'string') throw malformed('payloads with a type', 'header-info');
  return type;
}

/** @throws ImageError IMAGE_MALFORMED */
export function parseHeaderInfo(bytes: Uint8Array): MenderHeader {
  const { payloads, artifact_provides: provides, artifact_depends: depends } = parseObject(bytes, 'header-info');
  if (!Array.isArray(payloads) || payloads.length > PAYLOADS_MAX) throw malformed('a list of payloads', 'header-info');
  if (!isObject(provides) || !isObject(depends)) throw malformed('what it provides and depends on', 'header-info');
  const { artifact_name: artifactName, artifact_group: artifactGroup } = provides;
  const { device_type: deviceTypes } = depends;
  if (typeof artifactName !== 'string' || artifactName === '') throw malformed('artifact_name', 'header-info');
  if (artifactGroup !== undefined && typeof artifactGroup !== 'string')
    throw malformed('artifact_group', 'header-info');
  if (!isTexts(deviceTypes)) throw malformed('device_type', 'header-info');
  return {
    artifactName,
    ...(artifactGroup === undefined ? {} : { artifactGroup }),
    deviceTypes,
    payloadTypes: payloads.map(parsePayloadType),
  };
}
