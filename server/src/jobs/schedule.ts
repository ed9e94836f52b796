/** Runs jobs at intervals; one run of a job at a time, a failure is logged and the next turn tries again. */

export type Job = { readonly name: string; readonly everyMs: number; readonly run: () => Promise<unknown> };

/** Starts the jobs; the returned function stops them and waits for those that run. */
export function startJobs(jobs: readonly Job[], onError: (job: string, error: unknown) => void): () => Promise<void> {
  const running = new Set<Promise<void>>();
  const timers = jobs.map((job) => {
    let isRunning = false;
    const turn = async (): Promise<void> => {
      try {
        await job.run();
      } catch (error) {
        onError(job.name, error);
      }
      isRunning = false;
    };
    return setInterval(() => {
      if (isRunning) return;
      isRunning = true;
      const run = turn();
      running.add(run);
      void run.finally(() => running.delete(run));
    }, job.everyMs);
  });
  return async () => {
    for (const timer of timers) clearInterval(timer);
    await Promise.all(running);
  };
}
