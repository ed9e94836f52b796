/**
 * Shares: somebody outside looks at the evidence of one product by a link, with a code that goes another way if it is wanted.
 * Of both only digests are kept. Making and ending one is a statement; each visit stands in the audit, refused ones too.
 */
import { createHash } from 'node:crypto';
import type { NewShare, Share } from '@pawl/contract/management';
import { isEqualBytes } from '@pawl/core/bytes';
import type { Actor } from '../../domain/actor.ts';
import type { ShareScope } from '../../domain/share-scope.ts';
import { tenantName } from '../../store/access.ts';
import { appendAudit } from '../../store/audit.ts';
import type { Db, Trx } from '../../store/database.ts';
import { appendStatement } from '../../store/ledger.ts';
import type { ShareTable } from '../../store/schema/index.ts';
import { countVisit, findShare, findShareByLink, insertShare, updateShare } from '../../store/shares.ts';
import { EvidenceVaultError } from '../evidence/errors.ts';
import { mustFindProduct } from '../evidence/live.ts';
import { mustFindEvidence } from '../evidence/vault.ts';
import type { ServerPorts } from '../ports.ts';
import { secretSha256 } from '../secret.ts';
import { SupplyError } from './errors.ts';

const DAY_MS = 86_400_000;
const VALID_DAYS = 30;
/** 72 random bits, to be read aloud. */
const CODE_CHARS = 12;

export const SHARE_PATH = '/share/';

/** What a share lets out. */
export function scopeOf(row: ShareTable): ShareScope {
  return {
    product: row.product,
    documents: JSON.parse(row.documents) as number[],
    includesDevices: row.includes_devices === 1,
  };
}

function stateOf(row: ShareTable, nowMs: number): Share['state'] {
  if (row.revoked_ms !== null) return 'revoked';
  return row.expires_ms > nowMs ? 'open' : 'expired';
}

/** A share as the management API shows it. */
export function shareView(row: ShareTable, now: Date): Share {
  return {
    id: row.id,
    ...scopeOf(row),
    documents: [...scopeOf(row).documents],
    audience: row.audience,
    role: row.role,
    needsCode: row.code_sha256 !== null,
    state: stateOf(row, now.getTime()),
    expiresAt: new Date(row.expires_ms).toISOString(),
    madeBy: row.made_by,
    madeAt: new Date(row.made_ms).toISOString(),
    visits: row.visits,
    lastVisitAt: row.last_visit_ms === null ? null : new Date(row.last_visit_ms).toISOString(),
    revokedReason: row.revoked_reason,
  };
}

async function record(
  trx: Trx,
  ports: ServerPorts,
  row: ShareTable,
  said: { readonly act: 'make' | 'revoke'; readonly by: string; readonly reason?: string },
): Promise<void> {
  const { act, by, reason } = said;
  const facts = {
    share: row.id,
    tenant: await tenantName(trx, row.tenant_id),
    product: row.product,
    audience: row.audience,
    role: row.role,
    documents: [...scopeOf(row).documents],
    includesDevices: row.includes_devices === 1,
    expiresAt: new Date(row.expires_ms).toISOString(),
  };
  await appendStatement(trx, ports.keys.ledger, {
    tenantId: row.tenant_id,
    predicateType: 'urn:pawl:share:1',
    subject: {
      name: `share/${row.id}`,
      digest: { sha256: createHash('sha256').update(JSON.stringify(facts)).digest('hex') },
    },
    predicate: { ...facts, act, ...(reason === undefined ? {} : { reason }), by, at: ports.now().toISOString() },
  });
}

/** Documents that are not of the product, or count no more, are not shared. */
async function refuseStrayDocuments(db: Db, tenantId: number, { product, documents = [] }: NewShare): Promise<void> {
  for (const id of documents) {
    const row = await mustFindEvidence(db, tenantId, id);
    if (row.product !== product || row.state !== 'current') throw new EvidenceVaultError('EVIDENCE_UNKNOWN', { id });
  }
}

type Sent = { readonly share: Share; readonly path: string; readonly code: string | null };

/**
 * Lets somebody look; gives the path of the link and the code, which nobody can read again.
 * @throws EvidenceVaultError PRODUCT_UNKNOWN, EVIDENCE_UNKNOWN
 */
export async function makeShare(ports: ServerPorts, actor: Actor, input: NewShare): Promise<Sent> {
  const { product, audience, role, documents = [], includesDevices = false } = input;
  return await ports.database.write(async (trx) => {
    await mustFindProduct(trx, actor.tenantId, product);
    await refuseStrayDocuments(trx, actor.tenantId, input);
    const secret = ports.newSecret();
    const code = input.needsCode === true ? ports.newSecret().slice(0, CODE_CHARS) : null;
    const nowMs = ports.now().getTime();
    const row = await insertShare(trx, {
      tenant_id: actor.tenantId,
      product,
      audience,
      role,
      documents: JSON.stringify(documents),
      includes_devices: includesDevices ? 1 : 0,
      link_sha256: secretSha256(secret),
      code_sha256: code === null ? null : secretSha256(code),
      expires_ms: nowMs + (input.validForDays ?? VALID_DAYS) * DAY_MS,
      made_by: actor.id,
      made_ms: nowMs,
    });
    await record(trx, ports, row, { act: 'make', by: actor.id });
    return { share: shareView(row, ports.now()), path: `${SHARE_PATH}${secret}`, code };
  });
}

/** @throws SupplyError SHARE_UNKNOWN, SHARE_ENDED */
export async function revokeShare(ports: ServerPorts, actor: Actor, id: number, reason: string): Promise<Share> {
  return await ports.database.write(async (trx) => {
    const row = await findShare(trx, actor.tenantId, id);
    if (row === undefined) throw new SupplyError('SHARE_UNKNOWN', { id });
    if (row.revoked_ms !== null) throw new SupplyError('SHARE_ENDED', { id });
    await record(trx, ports, row, { act: 'revoke', by: actor.id, reason });
    const ended = { revoked_ms: ports.now().getTime(), revoked_reason: reason };
    return shareView(await updateShare(trx, id, ended), ports.now());
  });
}

export type ShareVisit = { readonly what: string; readonly source: string; readonly requestId: string };

/** Whether a link and its code let somebody in now; why not. */
function refusal(row: ShareTable, code: string | undefined, nowMs: number) {
  if (stateOf(row, nowMs) !== 'open') return 'SHARE_LINK_INVALID';
  if (row.code_sha256 === null) return undefined;
  if (code === undefined || code === '') return 'SHARE_CODE_WANTED';
  return isEqualBytes(row.code_sha256, secretSha256(code)) ? undefined : 'SHARE_CODE_WRONG';
}

/**
 * Lets a visit in, and records it; one that is refused at a link that was there is recorded too.
 * @throws SupplyError SHARE_LINK_INVALID, SHARE_CODE_WANTED, SHARE_CODE_WRONG
 */
export async function visitShare(
  ports: ServerPorts,
  { secret, code }: { readonly secret: string; readonly code: string | undefined },
  visit: ShareVisit,
): Promise<ShareTable> {
  const row = await findShareByLink(ports.database.read, secretSha256(secret));
  if (row === undefined) throw new SupplyError('SHARE_LINK_INVALID');
  const refused = await ports.database.write(async (trx) => {
    const nowMs = ports.now().getTime();
    // Revoked is revoked at once, whatever was read before.
    const now = (await findShare(trx, row.tenant_id, row.id)) ?? row;
    const why = refusal(now, code, nowMs);
    await appendAudit(trx, {
      tenant_id: row.tenant_id,
      at_ms: nowMs,
      actor: `share/${row.id}`,
      credential: 'link',
      operation: visit.what,
      target: `/share/${row.id}`,
      result: why ?? 'ok',
      source: visit.source,
      request_id: visit.requestId,
    });
    if (why === undefined) await countVisit(trx, row.id, nowMs);
    return why;
  });
  if (refused !== undefined) throw new SupplyError(refused);
  return row;
}
