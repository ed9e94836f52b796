import type { Server } from 'node:http';
import { performance } from 'node:perf_hooks';
import { apiOf, type Traffic } from '../domain/traffic.ts';

/** Counts every answer of a server, whoever gives it. */
export function observeTraffic(server: Server, traffic: Traffic): void {
  server.prependListener('request', (request, answer) => {
    const startMs = performance.now();
    traffic.open += 1;
    answer.once('close', () => {
      traffic.open -= 1;
      traffic.note(apiOf(request.url ?? ''), answer.statusCode, (performance.now() - startMs) / 1000);
    });
  });
}
