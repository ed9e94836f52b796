/** Devices that introduced themselves by a key. */
import type { IntroductionState } from '@pawl/contract/management';
import type { Generated, Selectable } from 'kysely';

type IntroductionColumns = {
  id: Generated<number>;
  tenant_id: number;
  key_id: string;
  public_key_pem: string;
  /** What it asks to be called. */
  name: string | null;
  /** JSON. */
  attributes: string;
  /** Of a token that the device made itself. */
  token_sha256: Uint8Array;
  state: IntroductionState;
  device_id: number | null;
  created_ms: number;
  heard_ms: number;
};

export type IntroductionSchema = { introduction: IntroductionColumns };
export type IntroductionTable = Selectable<IntroductionColumns>;
