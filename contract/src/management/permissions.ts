/**
 * Who may do what: permissions are what operations ask for, roles are the sets of them that people and tokens are given.
 * What is not named here is not allowed to anybody.
 */
export const PERMISSIONS = [
  'device:read',
  'device:write',
  'release:read',
  'release:write',
  'rollout:read',
  'rollout:write',
  'rollout:approve',
  'ledger:read',
  'evidence:read',
  'evidence:write',
  'evidence:approve',
  'event:read',
  'audit:read',
  'metrics:read',
  'vulnerability:read',
  'vulnerability:write',
  'people:write',
  'settings:write',
  'tenant:write',
] as const;
export type Permission = (typeof PERMISSIONS)[number];

/** What concerns the server as a whole, and all who share it: these count in the first tenant only, whose server it is. */
export const SERVER_PERMISSIONS: ReadonlySet<string> = new Set<Permission>(['tenant:write']);

const VIEWER: readonly Permission[] = [
  'device:read',
  'release:read',
  'rollout:read',
  'ledger:read',
  'evidence:read',
  'event:read',
];
const OPERATOR: readonly Permission[] = [...VIEWER, 'device:write', 'rollout:write'];

const ROLE_TABLE = {
  viewer: VIEWER,
  auditor: [...VIEWER, 'audit:read', 'vulnerability:read'],
  operator: OPERATOR,
  'release-manager': [...OPERATOR, 'release:write'],
  /** Handles reports of vulnerabilities; what they say is embargoed, and for nobody else. */
  security: [...VIEWER, 'vulnerability:read', 'vulnerability:write'],
  approver: [...VIEWER, 'rollout:approve', 'evidence:approve'],
  /** Who keeps the records of products: evidence, what a product is, what does not apply to it. */
  compliance: [...VIEWER, 'evidence:write'],
  /** For Prometheus: numbers and nothing else. */
  monitor: ['metrics:read'],
  admin: PERMISSIONS,
} as const satisfies Readonly<Record<string, readonly Permission[]>>;

export type Role = keyof typeof ROLE_TABLE;

export const ROLES = Object.keys(ROLE_TABLE) as Role[];

/** What a role may do. */
export function permissionsOf(role: Role): readonly Permission[] {
  return ROLE_TABLE[role];
}

export function isRole(text: string): text is Role {
  return Object.hasOwn(ROLE_TABLE, text);
}
