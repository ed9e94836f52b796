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
};

export type ApprovalNeed = {
  readonly required: number;
  /** Undefined: a machine made it. */
  readonly authorPersonId: number | undefined;
  readonly digest: string;
};

function counts({ authorPersonId, digest }: ApprovalNeed, approval: Approval): boolean {
  const { personId, isWithdrawn, isPersonActive } = approval;
  return !isWithdrawn && isPersonActive && approval.digest === digest && personId !== authorPersonId;
}

/** The people whose approvals hold, each once. */
export function approvers(need: ApprovalNeed, approvals: readonly Approval[]): ReadonlySet<number> {
  return new Set(approvals.filter((approval) => counts(need, approval)).map(({ personId }) => personId));
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
