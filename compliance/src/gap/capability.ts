/**
 * What a model cannot have evidence of, because it cannot do the thing: a boot chain without signatures, no update path, open
 * debug access. Such evidence does not count, whoever hands it in; the gap names the reason, because it takes engineering and
 * not documents to close it.
 */
import type { EvidenceKind } from '../catalogue/index.ts';
import { hasUpdate, hasVerifiedBoot, type Model } from '../product/index.ts';

type Obstacle = (model: Model) => string | undefined;

const noVerifiedBoot: Obstacle = (model) =>
  hasVerifiedBoot(model) ? undefined : 'the boot chain has a stage that no signature protects';
const noUpdate: Obstacle = (model) => (hasUpdate(model) ? undefined : 'the model takes no updates');
const openAccess: Obstacle = ({ hardware }) => {
  const open = hardware.find(({ debug }) => debug === 'open');
  return open === undefined ? undefined : `debug access of revision ${open.revision} is open`;
};

const OBSTACLES: Readonly<Partial<Record<EvidenceKind, Obstacle>>> = {
  'secure-boot-chain': noVerifiedBoot,
  'boot-tamper-test': noVerifiedBoot,
  'anti-rollback-test': noUpdate,
  'verify-reject-test': noUpdate,
  'rollback-test': noUpdate,
  'update-resilience-test': noUpdate,
  'signed-release': noUpdate,
  'campaign-record': noUpdate,
  'access-control-test': openAccess,
};

/** Why evidence of a kind cannot count for a model; undefined when nothing stands in its way. */
export function obstacleTo(kind: EvidenceKind, model: Model): string | undefined {
  return OBSTACLES[kind]?.(model);
}
