/** Which artifact of a release a device can take. Pure. */
import type { MenderProvides } from '@pawl/contract/mender';

export type MenderArtifact = {
  readonly name: string;
  readonly artifactName: string;
  readonly deviceTypes: readonly string[];
};

export type ArtifactChoice =
  | { readonly kind: 'offer'; readonly artifact: MenderArtifact }
  | { readonly kind: 'installed' }
  | { readonly kind: 'none'; readonly code: 'MENDER_NO_ARTIFACT' | 'MENDER_DEVICE_TYPE' };

/** A device that does not say its type is offered the first one: it checks by itself. */
export function chooseArtifact(artifacts: readonly MenderArtifact[], provides: MenderProvides): ArtifactChoice {
  const { device_type: type = '', artifact_name: installed } = provides;
  const artifact = artifacts.find(({ deviceTypes }) => type === '' || deviceTypes.includes(type));
  if (artifact === undefined) {
    return { kind: 'none', code: artifacts.length === 0 ? 'MENDER_NO_ARTIFACT' : 'MENDER_DEVICE_TYPE' };
  }
  return artifact.artifactName === installed ? { kind: 'installed' } : { kind: 'offer', artifact };
}
