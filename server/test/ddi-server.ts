/** A server with one published SWUpdate release, which the tests of the device API share. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ServerConfig } from '../src/main.ts';
import { publishForeign, startTestServer, type TestServer } from './running-server.ts';
import { makeSwu, makeSwuSigner } from './swupdate-image.ts';

export type DdiServer = TestServer & { readonly releaseId: number; readonly swu: Uint8Array };

export const FILE_NAME = 'gateway-1.2.0.swu';

export async function startDdiServer(config: Partial<ServerConfig> = {}): Promise<DdiServer> {
  const server = await startTestServer(config);
  const signer = makeSwuSigner(server.folder, 'swu-signer');
  const image = { version: '1.2.0', bytes: new Uint8Array(randomBytes(100_000)), installTo: '/nowhere/image.bin' };
  const swu = makeSwu(server.folder, signer, image);
  await server.operator.call('putLine', {
    params: { line: 'gateway' },
    body: { certificatesPem: [readFileSync(signer.certificateFile, 'utf8')] },
  });
  const release = { line: 'gateway', version: '1.2.0', fileName: FILE_NAME, bytes: swu };
  return { ...server, swu, releaseId: await publishForeign(server.operator, release) };
}
