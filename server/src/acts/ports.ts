/** What every act needs: the store, the objects, the online keys and the clock. */
import type { Signer } from '@pawl/core/crypto';
import type { BlobStore } from '../blobs/blob-store.ts';
import type { EgressRules } from '../egress/post.ts';
import type { Database } from '../store/database.ts';
import type { ServerLife } from './life.ts';
import type { Sealer } from './sealer.ts';

export type OnlineKeys = { readonly ledger: Signer; readonly snapshot: Signer; readonly timestamp: Signer };

/** The name under which browsers reach the server: what passkeys and cookies are bound to. */
export type Site = { readonly origin: string; readonly rpId: string };

/** A witness: its verification key, and where it takes checkpoints (the submission prefix of C2SP tlog-witness). */
export type WitnessAddress = { readonly vkey: string; readonly url: string };

/** Who cosigns the ledger. */
type WitnessPort = {
  readonly addresses: readonly WitnessAddress[];
  /** Has the ledger cosigned as it stands, by those that answer within a few seconds. */
  catchUp(ports: ServerPorts): Promise<void>;
};

export type ServerPorts = {
  readonly database: Database;
  readonly blobs: BlobStore;
  readonly keys: OnlineKeys;
  /** Origin line of the ledger's checkpoints and name of its key. */
  readonly ledgerOrigin: string;
  /** Undefined when nobody said it and it is not this machine alone. */
  readonly site: () => Site | undefined;
  /** What the OpenID provider is called; undefined: there is none. */
  readonly oidcName?: string;
  /** Marks challenges as this server's own. */
  readonly challengeSecret: string;
  /** For secrets that have to be read again. */
  readonly sealer: Sealer;
  readonly now: () => Date;
  /** 32 random bytes as base64url: tokens and claims. */
  readonly newSecret: () => string;
  /** 0 to 1. */
  readonly chance: () => number;
  readonly life: ServerLife;
  /** Undefined: nobody cosigns the ledger. */
  readonly witnesses?: WitnessPort;
  /** Where the server posts to of its own accord. */
  readonly egress: EgressRules;
};
