/** Tables of the authorities whose certificates let devices in. */
import type { Generated, Selectable } from 'kysely';

type AuthorityColumns = {
  id: Generated<number>;
  tenant_id: number;
  name: string;
  certificate_pem: string;
  /** SHA-256 of the certificate, hex. */
  fingerprint: string;
  /** `*` stands for any characters. */
  name_pattern: string;
  kind: 'pawl' | 'foreign';
  model: string;
  line: string | null;
  /** JSON list. */
  tags: string;
  created_ms: number;
  removed_ms: number | null;
};

export type AuthoritySchema = {
  device_authority: AuthorityColumns;
  /** `serial` is hex in lower case, without leading zeros. */
  barred_certificate: { authority_id: number; serial: string; barred_ms: number };
};

export type AuthorityTable = Selectable<AuthorityColumns>;
