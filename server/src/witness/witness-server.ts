/**
 * A witness as a process of its own (C2SP tlog-witness v1.0.0): `POST /add-checkpoint`, and nothing else. It knows the ledgers
 * that it was told of and asks nobody who sends a request: what counts is the signature of the ledger. Judging and writing down
 * are one step that no other request comes between; the signature is made after what it says is on the disk.
 */
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { isCodedError } from '@pawl/core/bytes';
import {
  ADD_CHECKPOINT_LIMITS,
  type AddCheckpoint,
  cosign,
  encodeSizeAnswer,
  judgeCheckpoint,
  parseAddCheckpoint,
  parseVkey,
  unseenLedger,
  type WitnessedLedger,
  type WitnessJudgement,
} from '@pawl/core/evidence';
import { ServerError } from '../acts/errors.ts';
import { isLoopback } from '../config.ts';
import { oneLine } from '../domain/foreign-text.ts';
import { limitClients } from '../http/slow-clients.ts';
import { createWitnessFolder, type RefusedCheckpoint, WitnessFolder } from './witness-folder.ts';

export { WITNESS_ERRORS, WitnessError, type WitnessErrorCode } from './errors.ts';

const LIMITS = { headMs: 10_000, bodyMs: 10_000, idleMs: 60_000, connections: 256 };
const SHOWN_CHARS_MAX = 255;
const TEXT = 'text/plain; charset=utf-8';

export type WitnessConfig = {
  readonly dir: string;
  /** Makes a new witness of this name; the folder must not be there. */
  readonly newName?: string;
  /** Verification keys of the ledgers that it cosigns; the origin of each is the name of its key. */
  readonly ledgers: readonly string[];
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly now: () => Date;
  /** Is told of every checkpoint that was judged. */
  readonly onJudged?: (judged: { readonly origin: string; readonly status: number; readonly text: string }) => void;
};

export type RunningWitness = {
  readonly url: string;
  readonly vkey: string;
  /** Checkpoints of other histories, as evidence, and such as were not proven to go on. */
  refused(): RefusedCheckpoint[];
  close(): Promise<void>;
};

type Answer = { readonly status: number; readonly type: string; readonly body: string };
const plain = (status: number, text: string): Answer => ({ status, type: TEXT, body: `${text}\n` });

class Witness {
  readonly folder: WitnessFolder;
  readonly #config: WitnessConfig;
  readonly #ledgers: ReadonlyMap<string, string>;

  constructor(folder: WitnessFolder, config: WitnessConfig) {
    this.folder = folder;
    this.#config = config;
    this.#ledgers = new Map(config.ledgers.map((vkey) => [parseVkey(vkey).name, vkey]));
  }

  #ledgerOf(origin: string): WitnessedLedger | undefined {
    const vkey = this.#ledgers.get(origin);
    if (vkey === undefined) return undefined;
    return { ...unseenLedger(vkey, origin), ...this.folder.seen(origin) };
  }

  /** Judges and writes down, in one step. */
  #judge(request: AddCheckpoint): WitnessJudgement {
    const judged = judgeCheckpoint(request, (origin) => this.#ledgerOf(origin));
    if (judged.status === 200) this.folder.remember(judged.checkpoint, request.note);
    const isFork = judged.status === 409 && judged.isFork;
    const origin = request.note.split('\n', 1)[0] ?? '';
    const atMs = this.#config.now().getTime();
    if (isFork || judged.status === 422) this.folder.keepRefused({ origin, atMs, note: request.note, isFork });
    const text =
      judged.status === 409 ? `last cosigned at ${judged.size}` : 'reason' in judged ? judged.reason : 'cosigned';
    // Of a ledger that it does not know the name is a stranger's text, and may end in a terminal.
    this.#config.onJudged?.({ origin: oneLine(origin).slice(0, SHOWN_CHARS_MAX), status: judged.status, text });
    return judged;
  }

  async answer(body: Uint8Array): Promise<Answer> {
    let request: AddCheckpoint;
    try {
      request = parseAddCheckpoint(body);
    } catch (error) {
      if (!isCodedError(error)) throw error;
      return plain(400, error.code);
    }
    const judged = this.#judge(request);
    if (judged.status === 409) return { status: 409, type: 'text/x.tlog.size', body: encodeSizeAnswer(judged.size) };
    if (judged.status !== 200) return plain(judged.status, judged.reason);
    const { name, key: signer } = this.folder;
    return plain(200, await cosign(request.note, { name, signer, atMs: this.#config.now().getTime() }));
  }
}

/** The body, or undefined when it is larger than any request. */
async function readBody(request: http.IncomingMessage): Promise<Uint8Array | undefined> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > ADD_CHECKPOINT_LIMITS.sizeBytesMax) return undefined;
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

async function respond(witness: Witness, request: http.IncomingMessage): Promise<Answer> {
  if (request.url !== '/add-checkpoint') return plain(404, 'POST /add-checkpoint is all there is');
  if (request.method !== 'POST') return plain(405, 'POST');
  const body = await readBody(request);
  return body === undefined ? plain(400, 'too large') : await witness.answer(body);
}

function serve(witness: Witness, request: http.IncomingMessage, reply: http.ServerResponse): void {
  respond(witness, request)
    // What could not be written down is not cosigned; the cause is this machine's, not the sender's.
    .catch(() => plain(500, 'the witness cannot write'))
    .then(({ status, type, body }) => {
      if (!request.complete) reply.setHeader('connection', 'close');
      if (status === 405) reply.setHeader('allow', 'POST');
      reply.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) }).end(body);
    })
    // The sender went away.
    .catch(() => request.destroy());
}

async function listen(server: http.Server, { host, port, tls }: WitnessConfig): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(new ServerError('SERVER_PORT_IN_USE', { host, port }, cause)));
    server.listen(port, host, resolve);
  });
  const address = server.address() as AddressInfo;
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `${tls === undefined ? 'http' : 'https'}://${name}:${address.port}`;
}

/**
 * Starts a witness; resolves when it listens.
 * @throws WitnessError; ServerError SERVER_TLS_REQUIRED, SERVER_PORT_IN_USE; EvidenceError VKEY_MALFORMED
 */
export async function startWitness(config: WitnessConfig): Promise<RunningWitness> {
  const { dir, newName, tls, host } = config;
  if (!isLoopback(host) && tls === undefined) throw new ServerError('SERVER_TLS_REQUIRED', { host });
  for (const vkey of config.ledgers) parseVkey(vkey);
  if (newName !== undefined) await createWitnessFolder(dir, newName, config.now());
  const witness = new Witness(await WitnessFolder.open(dir), config);
  const onRequest = (request: http.IncomingMessage, reply: http.ServerResponse) => serve(witness, request, reply);
  const server = tls === undefined ? http.createServer(onRequest) : https.createServer(tls, onRequest);
  limitClients(server, LIMITS);
  try {
    const url = await listen(server, config);
    const close = async (): Promise<void> => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeIdleConnections();
      await closed;
      witness.folder.close();
    };
    return { url, vkey: witness.folder.vkey, refused: () => witness.folder.refused(), close };
  } catch (error) {
    witness.folder.close();
    throw error;
  }
}
