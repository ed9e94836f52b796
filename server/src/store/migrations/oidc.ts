/** Who somebody is to an OpenID provider: bound to its subject, never to an address. */
import type { Migration } from './migration.ts';

export const OIDC: Migration = (words) => `
  CREATE TABLE oidc_identity (
    tenant_id ${words.integer} NOT NULL REFERENCES tenant, issuer TEXT NOT NULL, subject TEXT NOT NULL,
    person_id ${words.integer} NOT NULL REFERENCES person, created_ms ${words.integer} NOT NULL,
    PRIMARY KEY (tenant_id, issuer, subject)
  )${words.keyedTable};
  CREATE INDEX oidc_identity_by_person ON oidc_identity (person_id);
`;
