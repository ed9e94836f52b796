/**
 * A closed-loop HTTP/1.1 load generator over plain sockets: each connection sends one request, waits for the whole answer,
 * sends the next. It runs in a process of its own so that its work is not counted as the server's. Loopback only; bounded
 * by time.
 *
 * Usage: node load.ts JSON, with JSON = { host, port, connections, seconds, requestsFile }; the file holds a JSON array of
 * raw request texts, which the connections walk through in turn. Prints one JSON line.
 */
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { AnswerReader } from '../src/http/answer-reader.ts';

export type LoadPlan = {
  readonly host: '127.0.0.1';
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  readonly requestsFile: string;
  /** Else 200. */
  readonly expectedStatus?: number;
  /** Each request is sent once at most. */
  readonly isOnce?: boolean;
};

export type LoadResult = {
  readonly requests: number;
  readonly errors: number;
  /** Of bodies. */
  readonly bytesPerSecond: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
};

type Tally = { readonly latenciesMs: number[]; errors: number; bytes: number };

function drive(plan: LoadPlan, requests: readonly Buffer[], first: number, tally: Tally, endAt: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect(plan.port, plan.host);
    let next = first;
    let sentAt = 0;
    const reader = new AnswerReader();
    reader.keepsBody = false;
    const send = (): void => {
      const request = requests[next % requests.length];
      next += plan.connections;
      sentAt = performance.now();
      socket.write(request ?? '');
    };
    socket.setNoDelay(true);
    socket.on('connect', send);
    socket.on('error', reject);
    socket.on('close', () => resolve());
    socket.on('data', (chunk: Buffer) => {
      const answer = reader.push(chunk);
      if (answer === undefined) return;
      if (answer.status !== (plan.expectedStatus ?? 200)) tally.errors += 1;
      tally.bytes += answer.bodyBytes;
      const now = performance.now();
      tally.latenciesMs.push(now - sentAt);
      const isMore = plan.isOnce !== true || next < requests.length;
      if (now < endAt && isMore) send();
      else socket.end();
    });
  });
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

export async function runLoad(plan: LoadPlan): Promise<LoadResult> {
  const texts = JSON.parse(readFileSync(plan.requestsFile, 'utf8')) as string[];
  const requests = texts.map((text) => Buffer.from(text, 'latin1'));
  const tally: Tally = { latenciesMs: [], errors: 0, bytes: 0 };
  const startedAt = performance.now();
  const endAt = startedAt + plan.seconds * 1000;
  await Promise.all(Array.from({ length: plan.connections }, (_, index) => drive(plan, requests, index, tally, endAt)));
  const elapsedS = (performance.now() - startedAt) / 1000;
  const sorted = tally.latenciesMs.toSorted((a, b) => a - b);
  return {
    requests: sorted.length,
    errors: tally.errors,
    bytesPerSecond: tally.bytes / elapsedS,
    perSecond: sorted.length / elapsedS,
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
  };
}

if (import.meta.main) {
  const plan = JSON.parse(process.argv[2] ?? '{}') as LoadPlan;
  process.stdout.write(`${JSON.stringify(await runLoad(plan))}\n`);
}
