/**
 * The documents of DDI, from plain views of what the store knows. Pure.
 *
 * Optional members are left out (metadata, history, and the md5sum links but in the list of artifacts): one client
 * reads into 1100 bytes. Both link relations of a download are given, because clients differ in which they read.
 */
import type {
  DdiArtifact,
  DdiConfirmationAction,
  DdiConfirmationBase,
  DdiDeployment,
  DdiDeploymentBase,
  DdiPoll,
} from '@pawl/contract/device';
import { cacheBuster } from './cache-buster.ts';
import type { DeviceLinks } from './links.ts';
import { encodeSleep } from './poll-timing.ts';

export type ArtifactView = {
  readonly fileName: string;
  readonly sizeBytes: number;
  readonly sha1: string;
  readonly md5: string;
  readonly sha256: string;
  readonly createdAt: Date;
};

export type ReleaseView = {
  readonly id: number;
  readonly line: string;
  readonly version: string;
  readonly kind: 'pawl' | 'foreign';
  readonly artifacts: readonly ArtifactView[];
  /** What the user of a device is told of it. */
  readonly advice?: readonly { readonly key: string; readonly value: string }[];
};

/** What the poll answer says about the assignment in hand. */
export type OfferKind = 'deploymentBase' | 'cancelAction' | 'confirmationBase';
export type Offer = {
  readonly kind: OfferKind;
  readonly actionId: number;
  readonly isForced: boolean;
  /** Where there are maintenance windows. */
  readonly isWindowOpen?: boolean;
};

export type PollView = {
  readonly offer: Offer | undefined;
  readonly installedActionId: number | undefined;
  readonly isAttributesWanted: boolean;
  /** Whether the device enrolled a key, and so can follow Pawl's own links. */
  readonly hasKey: boolean;
  /** Whether such a device is asked what it runs. */
  readonly isAttestationWanted: boolean;
  readonly sleepS: number;
};

export type History = { readonly status: string; readonly messages: readonly string[] };
export type AutoConfirm = {
  readonly initiator: string | undefined;
  readonly remark: string | undefined;
  readonly activatedAt: Date;
};

/** The module type that one client insists on; `application` of hawkBit. */
const PART = 'bApp';

function link(href: string): { href: string } {
  return { href };
}

function offerLinks(offer: Offer, links: DeviceLinks): DdiPoll['_links'] {
  const { actionId, isForced, isWindowOpen } = offer;
  // Another number where the answer behind the link is another.
  const facts = isWindowOpen === undefined ? [actionId, isForced] : [actionId, isForced, isWindowOpen];
  switch (offer.kind) {
    case 'deploymentBase':
      return { deploymentBase: link(links.deploymentBase(actionId, cacheBuster(facts))) };
    case 'confirmationBase':
      return { confirmationBase: link(links.confirmationAction(actionId, cacheBuster([actionId, isForced]))) };
    case 'cancelAction':
      return { cancelAction: link(links.cancelAction(actionId)) };
  }
}

/** The answer to a poll: at most one of deployment, cancellation and confirmation. */
export function pollDocument(view: PollView, links: DeviceLinks): DdiPoll {
  return {
    config: { polling: { sleep: encodeSleep(view.sleepS) } },
    _links: {
      ...(view.offer === undefined ? {} : offerLinks(view.offer, links)),
      ...(view.installedActionId === undefined
        ? {}
        : { installedBase: link(links.installedBase(view.installedActionId)) }),
      ...(view.isAttributesWanted ? { configData: link(links.configData()) } : {}),
      ...(view.hasKey ? { trust: link(links.trust()), report: link(links.report()) } : {}),
      ...(view.hasKey && view.isAttestationWanted ? { attest: link(links.attest()) } : {}),
    },
  };
}

/** One file, with its md5sum links or without. */
export function artifactDocument(
  moduleId: number,
  artifact: ArtifactView,
  links: DeviceLinks,
  withMd5Sum: boolean,
): DdiArtifact {
  const { fileName, sizeBytes, sha1, md5, sha256 } = artifact;
  const download = link(links.artifact(moduleId, fileName));
  const md5sum = link(links.artifact(moduleId, `${fileName}.MD5SUM`));
  return {
    filename: fileName,
    hashes: { sha1, md5, sha256 },
    size: sizeBytes,
    _links: {
      download,
      'download-http': download,
      ...(withMd5Sum ? { md5sum, 'md5sum-http': md5sum } : {}),
    },
  };
}

type Handling = {
  readonly release: ReleaseView;
  readonly isForced: boolean;
  readonly isWindowOpen?: boolean;
};

function deployment({ release, isForced, isWindowOpen }: Handling, links: DeviceLinks): DdiDeployment {
  const handling = isForced ? 'forced' : 'attempt';
  const { advice } = release;
  const artifacts = release.artifacts.map((artifact) => artifactDocument(release.id, artifact, links, false));
  return {
    download: handling,
    update: isWindowOpen === false ? 'skip' : handling,
    ...(isWindowOpen === undefined ? {} : { maintenanceWindow: isWindowOpen ? 'available' : 'unavailable' }),
    chunks: [
      {
        part: PART,
        version: release.version,
        name: release.line,
        artifacts,
        ...(advice === undefined ? {} : { metadata: advice.map((entry) => ({ ...entry })) }),
      },
    ],
  };
}

type Action = Handling & {
  readonly id: number;
  readonly history: History | undefined;
};

function historyMember(history: History | undefined): Pick<DdiDeploymentBase, 'actionHistory'> {
  return history === undefined
    ? {}
    : { actionHistory: { status: history.status, messages: Array.from(history.messages) } };
}

export function deploymentDocument(action: Action, links: DeviceLinks): DdiDeploymentBase {
  return {
    id: String(action.id),
    deployment: deployment(action, links),
    ...historyMember(action.history),
  };
}

export function confirmationDocument(action: Action, links: DeviceLinks): DdiConfirmationAction {
  return {
    id: String(action.id),
    confirmation: deployment(action, links),
    ...historyMember(action.history),
  };
}

export function confirmationBaseDocument(
  autoConfirm: AutoConfirm | undefined,
  offer: Offer | undefined,
  links: DeviceLinks,
): DdiConfirmationBase {
  const waiting = offer?.kind === 'confirmationBase' ? offerLinks(offer, links) : {};
  if (autoConfirm === undefined) {
    const activate = link(links.confirmationBase('activateAutoConfirm'));
    return { autoConfirm: { active: false }, _links: { activateAutoConfirm: activate, ...waiting } };
  }
  const { initiator, remark, activatedAt } = autoConfirm;
  return {
    autoConfirm: {
      active: true,
      ...(initiator === undefined ? {} : { initiator }),
      ...(remark === undefined ? {} : { remark }),
      activatedAt: activatedAt.getTime(),
    },
    _links: { deactivateAutoConfirm: link(links.confirmationBase('deactivateAutoConfirm')), ...waiting },
  };
}
