/**
 * Foreign images (SWUpdate, RAUC, Mender, MCUboot and whatever else of `core/src/image` carries a signature), told apart by
 * their bytes and verified under the certificates and keys of their line. What has no signature is refused.
 */
import { isCodedError } from '@pawl/core/bytes';
import { type VerifiedImage, verifyImage } from '@pawl/core/image';
import type { MenderFacts } from '../store/release-images.ts';
import type { ArtifactTable } from '../store/schema/index.ts';
import { ServerError } from './errors.ts';
import type { ServerPorts } from './ports.ts';

/** What the server must know of a published image, by format. */
export type ReleaseImage = {
  readonly name: string;
  readonly format: VerifiedImage['format'];
  readonly facts: MenderFacts | Readonly<Record<string, never>>;
};

export type VerifiedForeign = { readonly signer: string; readonly images: readonly ReleaseImage[] };

function signersOf(image: VerifiedImage): readonly string[] {
  switch (image.format) {
    case 'swu':
    case 'raucb':
      return ['subject' in image.signer ? image.signer.subject : image.signer.keySha256];
    case 'efi':
      return image.signers.map(({ subject }) => subject);
    case 'fit':
      return image.configurations.map(({ keySha256 }) => keySha256);
    case 'mender':
    case 'mcuboot':
    case 'esp-image':
      return [image.keySha256];
  }
}

function imageOf(name: string, image: VerifiedImage): ReleaseImage {
  if (image.format !== 'mender') return { name, format: image.format, facts: {} };
  return { name, format: 'mender', facts: { artifactName: image.artifactName, deviceTypes: image.deviceTypes } };
}

/** @throws ServerError RELEASE_UNSIGNED; BlobError BLOB_DAMAGED */
export async function verifyForeignImages(
  ports: ServerPorts,
  artifacts: readonly ArtifactTable[],
  keysPem: readonly string[],
): Promise<VerifiedForeign> {
  const signers = new Set<string>();
  const images: ReleaseImage[] = [];
  for (const { name, sha256 } of artifacts) {
    const bytes = await ports.blobs.readVerified(sha256);
    try {
      const image = await verifyImage(bytes, { keysPem });
      for (const signer of signersOf(image)) signers.add(signer);
      images.push(imageOf(name, image));
    } catch (cause) {
      if (!isCodedError(cause)) throw cause;
      throw new ServerError('RELEASE_UNSIGNED', { name, reason: cause.code }, cause);
    }
  }
  return { signer: [...signers].join(' '), images };
}
