/**
 * Whether a rollout is approved: by enough distinct people, none of them its author, each over exactly what it is now. Pure.
 *
 * An approval names the digest of the whole rollout. Whatever is changed afterwards has another digest, and no approval.
 */
export type Approval = {
  readonly personId: number;
  readonly digest: string;
  readonly isWithdrawn: boolean;
  /** Whether the person may still act at all. */
  readonly isPersonActive: boolean;
  /** Whether a role of the person still lets it approve. */
  readonly mayApprove: boolean;
};

/** Why an approval does not count. */
export type NotInForce = 'withdrawn' | 'changed' | 'author' | 'shut-out' | 'no-role';

export type ApprovalNeed = {
  readonly required: number;
  /** Who made it, or made the token of the machine that did; undefined: a machine whose maker nobody knows. */
  readonly authorPersonId: number | undefined;
  readonly digest: string;
};

/** Why an approval does not count towards the need, or undefined when it does. */
export function notInForce({ authorPersonId, digest }: ApprovalNeed, approval: Approval): NotInForce | undefined {
  if (approval.isWithdrawn) return 'withdrawn';
  if (approval.digest !== digest) return 'changed';
  if (approval.personId === authorPersonId) return 'author';
  if (!approval.isPersonActive) return 'shut-out';
  return approval.mayApprove ? undefined : 'no-role';
}

/** The people whose approvals hold, each once. */
export function approvers(need: ApprovalNeed, approvals: readonly Approval[]): ReadonlySet<number> {
  return new Set(
    approvals.filter((approval) => notInForce(need, approval) === undefined).map(({ personId }) => personId),
  );
}

export function isApproved(need: ApprovalNeed, approvals: readonly Approval[]): boolean {
  return approvers(need, approvals).size >= need.required;
}

/** Why this person's approval would not count, if so. */
export function refusalOf(
  need: ApprovalNeed,
  approvals: readonly Approval[],
  personId: number,
): 'APPROVAL_BY_AUTHOR' | 'APPROVAL_TWICE' | undefined {
  if (personId === need.authorPersonId) return 'APPROVAL_BY_AUTHOR';
  return approvers(need, approvals).has(personId) ? 'APPROVAL_TWICE' : undefined;
}
