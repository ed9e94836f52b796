/** The secrets of webhooks as they are stored: sealed, each for its own webhook, so that none can be put in another's place. */
import type { Trx } from '../../store/database.ts';
import type { WebhookTable } from '../../store/schema/index.ts';
import { plainWebhooks, updateWebhook } from '../../store/webhooks.ts';
import type { ServerPorts } from '../ports.ts';

const nameOf = (id: number): string => `webhook/${id}`;

export function sealSecret(ports: ServerPorts, id: number, secret: Uint8Array): Uint8Array {
  return ports.sealer.seal(nameOf(id), secret);
}

/** @throws ServerError SECRET_UNREADABLE */
export function openSecret(ports: ServerPorts, { id }: WebhookTable, sealed: Uint8Array): Uint8Array {
  return ports.sealer.open(nameOf(id), sealed);
}

/** Seals what an earlier version stored as it was. Idempotent. */
export async function sealPlainSecrets(trx: Trx, ports: Pick<ServerPorts, 'sealer'>): Promise<number> {
  const rows = await plainWebhooks(trx);
  for (const { id, secret, previous_secret } of rows) {
    const seal = (plain: Uint8Array): Uint8Array => ports.sealer.seal(nameOf(id), plain);
    const previous = previous_secret === null ? null : seal(previous_secret);
    await updateWebhook(trx, id, { secret: seal(secret), previous_secret: previous, is_sealed: 1 });
  }
  return rows.length;
}
