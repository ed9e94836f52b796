/**
 * What was decided about a rollout, with everything that was left out filled in. Pure.
 *
 * Defaults: at any time; a user may put an update off three times, for a week at most each time, and after a no is not
 * asked again until people retry the rollout.
 */
import type { ConsentRules, MaintenanceWindow, NewRollout } from '@pawl/contract/management';

export const DEFAULT_ZONE = 'UTC';

type Maintenance = {
  readonly windows: MaintenanceWindow[];
  readonly timeZone: string;
  readonly outside: 'withhold' | 'tell';
};

export type StoredPolicy = {
  readonly maintenance: Maintenance | null;
  readonly consent: {
    readonly postponements: number;
    readonly postponeHours: number;
    readonly askAgainDays: number | null;
  };
  readonly isSecurityOnly: boolean;
};

/** What holds for a whole tenant, as people set it. */
export type TenantPolicy = {
  readonly timeZone: string;
  readonly maintenance: NonNullable<NewRollout['maintenance']> | null;
};

function consentOf(rules: ConsentRules | undefined): StoredPolicy['consent'] {
  return {
    postponements: rules?.postponements ?? 3,
    postponeHours: rules?.postponeHours ?? 168,
    askAgainDays: rules?.askAgainDays ?? null,
  };
}

/** The policy of a new rollout. What the tenant's default is later does not change it. */
export function policyOf(input: NewRollout, tenant: TenantPolicy): StoredPolicy {
  const maintenance = input.maintenance === undefined ? tenant.maintenance : input.maintenance;
  return {
    maintenance:
      maintenance === null
        ? null
        : {
            windows: maintenance.windows,
            timeZone: maintenance.timeZone ?? tenant.timeZone,
            outside: maintenance.outside ?? 'withhold',
          },
    consent: consentOf(input.consent),
    isSecurityOnly: input.isSecurityOnly === true,
  };
}

/** A policy as it is kept; rollouts from before there were policies have an empty one. */
export function parsePolicy(text: string): StoredPolicy {
  const stored = JSON.parse(text) as Partial<StoredPolicy>;
  return {
    maintenance: stored.maintenance ?? null,
    consent: stored.consent ?? consentOf(undefined),
    isSecurityOnly: stored.isSecurityOnly === true,
  };
}
