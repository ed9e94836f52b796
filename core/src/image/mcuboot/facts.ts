/** What the protected TLVs of an MCUboot image say: security counter, dependencies, vendor and class. */
import { ByteReader, toHex } from '../../bytes/index.ts';
import { formatVersion, TLV } from './layout.ts';
import { type McubootTlv, malformed, readVersion } from './parse.ts';

/** Another image of the device, and the least version of it that this image runs with. */
export type McubootDependency = { readonly image: number; readonly versionMin: string };

export type McubootFacts = {
  readonly securityCounter?: number;
  readonly dependencies: readonly McubootDependency[];
  /** UUIDs, made as SUIT makes them. */
  readonly vendorId?: string;
  readonly classId?: string;
};

const DEPENDENCY_SIZE_BYTES = 12;
const UUID_SIZE_BYTES = 16;

/** The values of the TLVs of a type. Outside the protected area anyone could change them, so there they are refused. */
function valuesOf(tlvs: readonly McubootTlv[], type: number, sizeBytes: number): Uint8Array[] {
  return tlvs
    .filter((tlv) => tlv.type === type)
    .map(({ name, isProtected, value }) => {
      if (!isProtected || value.length !== sizeBytes) throw malformed(`a protected ${name} of ${sizeBytes} bytes`, 0);
      return value;
    });
}

function parseDependency(value: Uint8Array): McubootDependency {
  const reader = new ByteReader(value);
  const image = reader.u8();
  reader.bytes(3);
  return { image, versionMin: formatVersion(readVersion(reader)) };
}

function formatUuid(value: Uint8Array): string {
  return toHex(value).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** @throws ImageError IMAGE_MALFORMED */
export function factsOf(tlvs: readonly McubootTlv[]): McubootFacts {
  const [counter] = valuesOf(tlvs, TLV.securityCounter, 4);
  const [vendorId] = valuesOf(tlvs, TLV.vendorId, UUID_SIZE_BYTES);
  const [classId] = valuesOf(tlvs, TLV.classId, UUID_SIZE_BYTES);
  return {
    ...(counter === undefined ? {} : { securityCounter: new ByteReader(counter).u32le() }),
    dependencies: valuesOf(tlvs, TLV.dependency, DEPENDENCY_SIZE_BYTES).map(parseDependency),
    ...(vendorId === undefined ? {} : { vendorId: formatUuid(vendorId) }),
    ...(classId === undefined ? {} : { classId: formatUuid(classId) }),
  };
}
