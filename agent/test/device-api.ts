/**
 * A server that speaks the device API over loopback HTTP, for the agent's tests: one device, one assignment at a time.
 * Reports are verified under the key that enrolled, and must come with rising counters, as the real server asks for.
 */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { type DeviceReport, deviceReport, enrolProofText, enrolRequest } from '@pawl/contract/device';
import { type EatClaims, verifyEvidence } from '@pawl/core/attest';
import { fromBase64, isCodedError, utf8 } from '@pawl/core/bytes';
import { PublicKey } from '@pawl/core/crypto';
import { verifyStatement } from '@pawl/core/evidence';
import type { ReleaseRepository } from './release-repository.ts';

const FINAL: ReadonlySet<string> = new Set(['confirmed', 'reverted', 'refused', 'failed']);
const CONTROLLER_ID = 'hub-1';

export type Assignment = { readonly id: string; readonly version: string };

export class DeviceApi {
  readonly #server: Server;
  readonly #repository: ReleaseRepository;
  readonly #token = randomBytes(16).toString('hex');
  readonly requests: string[] = [];
  /** Ranges that were asked for, of payloads. */
  readonly ranges: (string | undefined)[] = [];
  readonly feedback: { readonly path: string; readonly body: unknown }[] = [];
  reports: DeviceReport[] = [];
  replayed = 0;
  offer: { readonly kind: 'deployment' | 'cancel' | 'consent'; readonly assignment: Assignment } | undefined;
  /** What a device asks for, before it is answered. */
  isDown = false;
  /** Breaks the next payload answers after so many bytes. */
  breakAfter: number[] = [];
  changeArtifact: (name: string, bytes: Uint8Array) => Uint8Array = (_, bytes) => bytes;
  linkOrigin: string | undefined;
  /** How every file of the trust is answered: with this status, or by breaking off. */
  trustFault: number | 'break' | undefined;
  /** With it the device is asked what it runs; base64url. */
  nonce: string | undefined;
  /** What devices attested, signed by one that enrolled. */
  evidence: EatClaims[] = [];
  /** Called before an answer to evidence; what it gives is the status. */
  onEvidence: () => number | 'break' = () => 200;
  readonly #deviceKeys: PublicKey[] = [];

  private constructor(repository: ReleaseRepository, server: Server) {
    this.#repository = repository;
    this.#server = server;
  }

  static async start(repository: ReleaseRepository): Promise<DeviceApi> {
    const server = createServer();
    const api = new DeviceApi(repository, server);
    server.on('request', (request, response) => {
      api.#answer(request, response).catch((error: unknown) => {
        response.writeHead(500).end(String(error));
      });
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    return api;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get states(): string[] {
    return this.reports.map(({ state }) => state);
  }

  assign(assignment: Assignment): void {
    this.offer = { kind: 'deployment', assignment };
  }

  /** Forgets what devices said; the next one starts with counters of its own. */
  reset(): void {
    this.reports = [];
    this.replayed = 0;
    this.offer = undefined;
    this.breakAfter = [];
    this.nonce = undefined;
    this.evidence = [];
    this.onEvidence = () => 200;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? '/', this.url).pathname;
    this.requests.push(path);
    if (this.isDown) {
      request.socket.destroy();
      return;
    }
    if (path === '/default/pawl/v1/enrol') return this.#enrol(request, response);
    if (request.headers.authorization !== `TargetToken ${this.#token}`) {
      response.writeHead(401).end();
      return;
    }
    const device = `/default/controller/v1/${CONTROLLER_ID}`;
    if (path === device) return this.#poll(response);
    if (path === `/default/pawl/v1/${CONTROLLER_ID}/report`) return this.#report(request, response);
    if (path === `/default/pawl/v1/${CONTROLLER_ID}/attest`) return this.#attest(request, response);
    const trust = /^\/default\/pawl\/v1\/trust\/([^/]+)$/.exec(path)?.[1];
    if (trust !== undefined) return this.#trust(response, trust);
    const artifact = new RegExp(`^${device}/artifacts/(.+)$`).exec(path)?.[1];
    if (artifact !== undefined) return this.#artifact(request, response, artifact);
    if (request.method !== 'GET') {
      this.feedback.push({ path, body: JSON.parse((await buffer(request)).toString()) });
      response.end();
      return;
    }
    this.#document(response, this.#offerDocument(path, device));
  }

  #document(response: ServerResponse, document: object | undefined): void {
    if (document === undefined) response.writeHead(404).end();
    else response.setHeader('content-type', 'application/json').end(JSON.stringify(document));
  }

  #bytes(response: ServerResponse, bytes: Uint8Array | undefined): void {
    if (bytes === undefined) response.writeHead(404).end();
    else response.end(bytes);
  }

  #trust(response: ServerResponse, name: string): void {
    if (this.trustFault === undefined) this.#bytes(response, this.#repository.trustFiles.get(name));
    else if (this.trustFault === 'break') response.destroy();
    else response.writeHead(this.trustFault).end();
  }

  #poll(response: ServerResponse): void {
    const { offer, url } = this;
    const base = `${url}/default/controller/v1/${CONTROLLER_ID}`;
    const names = { deployment: 'deploymentBase', cancel: 'cancelAction', consent: 'confirmationBase' } as const;
    const link =
      offer === undefined
        ? {}
        : { [names[offer.kind]]: { href: `${base}/${names[offer.kind]}/${offer.assignment.id}` } };
    this.#document(response, {
      config: { polling: { sleep: '00:01:00' } },
      _links: {
        ...link,
        trust: { href: `${url}/default/pawl/v1/trust/` },
        report: { href: `${url}/default/pawl/v1/${CONTROLLER_ID}/report` },
        ...(this.nonce === undefined
          ? {}
          : { attest: { href: `${this.linkOrigin ?? url}/default/pawl/v1/${CONTROLLER_ID}/attest` } }),
      },
    });
  }

  #offerDocument(path: string, device: string): object | undefined {
    const { offer } = this;
    if (offer === undefined) return undefined;
    const { id, version } = offer.assignment;
    if (path === `${device}/cancelAction/${id}`) return { id, cancelAction: { stopId: id } };
    const artifacts = ['envelope.suit', 'hub.enc'].map((filename) => ({
      filename,
      hashes: { sha1: '', md5: '', sha256: '' },
      size: this.#repository.artifacts.get(`${version}/${filename}`)?.length ?? 0,
      _links: { download: { href: `${this.linkOrigin ?? this.url}${device}/artifacts/${version}/${filename}` } },
    }));
    const chunks = [{ part: 'bApp', version, name: 'hub', artifacts }];
    const handling = { download: 'forced', update: 'forced', chunks };
    if (path === `${device}/deploymentBase/${id}`) return { id, deployment: handling };
    if (path === `${device}/confirmationBase/${id}`) return { id, confirmation: handling };
    return undefined;
  }

  #artifact(request: IncomingMessage, response: ServerResponse, name: string): void {
    const original = this.#repository.artifacts.get(name);
    if (original === undefined) return this.#bytes(response, undefined);
    const bytes = this.changeArtifact(name, original);
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const part = bytes.subarray(start);
    const range = start > 0 ? { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` } : {};
    response.writeHead(start > 0 ? 206 : 200, { 'content-length': part.length, ...range });
    const breakAfter = name.endsWith('.enc') ? this.breakAfter.shift() : undefined;
    if (name.endsWith('.enc')) this.ranges.push(request.headers.range);
    if (breakAfter === undefined || breakAfter >= part.length) response.end(part);
    else response.write(part.subarray(0, breakAfter), () => response.destroy());
  }

  async #enrol(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { claim, publicKey, proof } = enrolRequest.parse(JSON.parse((await buffer(request)).toString()));
    const key = PublicKey.fromSpki(publicKey);
    key.verify(utf8(enrolProofText(claim, publicKey)), fromBase64(proof));
    if (claim !== 'good claim') {
      response.writeHead(409).end(JSON.stringify({ code: 'DEVICE_CLAIM_INVALID' }));
      return;
    }
    this.#deviceKeys.push(key);
    this.#document(response, { controllerId: CONTROLLER_ID, token: this.#token, pollIntervalS: 60 });
  }

  async #attest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'GET') return this.#document(response, { nonce: this.nonce });
    const bytes = new Uint8Array(await buffer(request));
    for (const key of this.#deviceKeys) {
      try {
        this.evidence.push(verifyEvidence(bytes, key).claims);
      } catch (error) {
        if (!isCodedError(error)) throw error;
      }
    }
    const status = this.onEvidence();
    if (status === 'break') response.destroy();
    else response.writeHead(status).end(JSON.stringify({ verdict: 'affirming', reasons: [] }));
  }

  async #report(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { statement } = verifyStatement(new Uint8Array(await buffer(request)), this.#deviceKeys);
    const report = deviceReport.parse(statement.predicate);
    if (report.counter <= (this.reports.at(-1)?.counter ?? 0)) {
      this.replayed += 1;
      response.writeHead(409).end(JSON.stringify({ code: 'REPORT_REPLAYED' }));
      return;
    }
    this.reports.push(report);
    if (FINAL.has(report.state) && this.offer?.assignment.id === String(report.assignmentId)) this.offer = undefined;
    this.#document(response, { state: report.state, counter: report.counter });
  }
}
