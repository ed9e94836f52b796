/** The schema of the database in steps, forward only, oldest first. A step that was released is never edited or moved. */
import { ACTIVITY } from './activity.ts';
import { APPROVAL } from './approval.ts';
import { ATTESTATION } from './attestation.ts';
import { AUDIT } from './audit.ts';
import { AUTHORS } from './authors.ts';
import { BASE } from './base.ts';
import { DEVICE_LIFE } from './device-life.ts';
import { EVENTS } from './events.ts';
import { EVIDENCE } from './evidence.ts';
import { FILTERS } from './filters.ts';
import { INCIDENTS } from './incidents.ts';
import { INQUIRIES } from './inquiries.ts';
import { INQUIRY_REMINDERS } from './inquiry-reminders.ts';
import { KEPT_ANSWERS } from './kept-answers.ts';
import { LAST_SEEN } from './last-seen.ts';
import { LEDGER_TENANTS } from './ledger-tenants.ts';
import { MANY_PROCESSES } from './many-processes.ts';
import { MARKET_GATES } from './market-gates.ts';
import { MENDER } from './mender.ts';
import type { Migration } from './migration.ts';
import { OBJECT_RETENTION } from './object-retention.ts';
import { OIDC } from './oidc.ts';
import { PEOPLE } from './people.ts';
import { PRODUCTS } from './products.ts';
import { ROLLOUT_ENGINE } from './rollout-engine.ts';
import { ROLLOUT_PAGES } from './rollout-pages.ts';
import { ROLLOUT_POLICY } from './rollout-policy.ts';
import { SBOMS } from './sboms.ts';
import { SEALED_SECRETS } from './sealed-secrets.ts';
import { SHARES } from './shares.ts';
import { SIGN_IN } from './sign-in.ts';
import { TESTING } from './testing.ts';
import { VERSION_SEEN } from './version-seen.ts';
import { VULNERABILITIES } from './vulnerabilities.ts';
import { WEBHOOKS } from './webhooks.ts';
import { WITNESSES } from './witnesses.ts';

export { POSTGRES_WORDS, SQLITE_WORDS } from './migration.ts';

export const MIGRATIONS: readonly Migration[] = [
  BASE,
  ACTIVITY,
  VERSION_SEEN,
  PEOPLE,
  ROLLOUT_ENGINE,
  SIGN_IN,
  EVENTS,
  MENDER,
  MANY_PROCESSES,
  ROLLOUT_POLICY,
  WEBHOOKS,
  FILTERS,
  APPROVAL,
  AUDIT,
  ROLLOUT_PAGES,
  OIDC,
  OBJECT_RETENTION,
  AUTHORS,
  KEPT_ANSWERS,
  DEVICE_LIFE,
  VULNERABILITIES,
  EVIDENCE,
  SEALED_SECRETS,
  SBOMS,
  PRODUCTS,
  INCIDENTS,
  MARKET_GATES,
  LAST_SEEN,
  LEDGER_TENANTS,
  ATTESTATION,
  INQUIRIES,
  WITNESSES,
  SHARES,
  TESTING,
  INQUIRY_REMINDERS,
];
