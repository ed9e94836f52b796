/** `pawl demo`, which is `npm start`: the whole loop on this machine, with attacks, in under a minute. */
import { join, resolve } from 'node:path';
import { actConfirm, actKill, actRefuse, actRevert } from '../demo/acts.ts';
import { actDocuments } from '../demo/documents.ts';
import { actProve } from '../demo/evidence.ts';
import { makeDemoFolder } from '../demo/folder.ts';
import { Stage } from '../demo/stage.ts';
import { DemoView, type ResultRow } from '../demo/view.ts';
import { defineCommand, type Io } from '../frame/command.ts';
import { inFolder } from '../workspace/files.ts';
import { WORK_COMMANDS } from './work.ts';

const REPOSITORY = resolve(import.meta.dirname, '../../..');

async function play(stage: Stage): Promise<ResultRow[]> {
  await stage.build();
  const rows: ResultRow[] = [];
  for (const act of [actConfirm, actRefuse, actRevert, actKill]) rows.push(...(await act(stage)));
  rows.push(...(await actProve(stage, rows)));
  rows.push(...(await actDocuments(stage, REPOSITORY)));
  return rows;
}

function nextSteps({ view, dir, serverUrl }: Stage): void {
  const pawl = 'npm run --silent pawl --';
  const here = `--workspace ${dir}`;
  view.heading('What to try next');
  for (const line of [
    `${pawl} device list ${here}`,
    `${pawl} device show hub-4 ${here}`,
    `${pawl} ledger show ${here}`,
    `open ${dir}/documents/hub/security-architecture.pdf`,
    `${pawl} rollout create again --version 7.28.0 --filter 'name:hub-*' --start ${here}`,
    `${pawl} --help`,
  ]) {
    view.say(line);
  }
  view.heading(`The server runs at ${serverUrl} with four devices; Ctrl-C ends them.`);
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done();
    else signal.addEventListener('abort', () => done(), { once: true });
  });
}

async function playUntilAborted(stage: Stage, { signal }: Io): Promise<ResultRow[] | undefined> {
  return Promise.race([play(stage), untilAborted(signal).then(() => undefined)]);
}

export const demo = defineCommand({
  summary: 'show the whole loop on this machine: update, attack, go back, prove, document',
  about: [
    'Two real firmware versions of a LEGO hub, a server, four devices as processes of their own, a hostile relay.',
    'Everything lies in .pawl/demo, which each run makes anew.',
  ],
  options: { exit: { type: 'boolean', summary: 'end at the end, instead of leaving the server running' } },
  example: 'pawl demo --exit',
  async run({ values, io }) {
    const dir = inFolder(io.cwd, join('.pawl', 'demo'));
    await makeDemoFolder(dir);
    const view = new DemoView(io);
    const stage = new Stage({ dir, repositoryDir: REPOSITORY, table: WORK_COMMANDS, io, view });
    try {
      const rows = await playUntilAborted(stage, io);
      if (rows === undefined) return { exitCode: 1 };
      view.result(rows);
      const isExpected = rows.every((row) => row.isExpected);
      view.heading(`${isExpected ? 'All as expected' : 'NOT all as expected'}, in ${view.elapsedS.toFixed(1)} s.`);
      if (!values.exit) {
        nextSteps(stage);
        await untilAborted(io.signal);
      }
      return { json: { isExpected, elapsedS: view.elapsedS, rows }, exitCode: isExpected ? 0 : 1 };
    } finally {
      await stage.children.endAll();
    }
  },
});
