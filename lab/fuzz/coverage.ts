/**
 * What code an input reached: V8's own precise block coverage, read through the inspector of this very process. No
 * instrumentation and no native add-on; the cost is some tenths of a millisecond an input.
 */
import { type Profiler, Session } from 'node:inspector';

/**
 * Hits of one block in classes 0, 1, 2-3, 4-7 ...: a loop that runs more often is news, one more round is not. Blocks that
 * did not run count too: V8 tells only where the count changes, so a check that was passed shows by what was left out.
 */
function classOf(count: number): number {
  return count === 0 ? -1 : Math.floor(Math.log2(count));
}

export class Coverage {
  readonly #session = new Session();
  readonly #part: string;

  /** `part`: only scripts whose URL holds this text count. */
  constructor(part: string) {
    this.#part = part;
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  #take(): Profiler.ScriptCoverage[] {
    let taken: Profiler.ScriptCoverage[] = [];
    // In the session of the own thread the answer comes before `post` returns.
    this.#session.post('Profiler.takePreciseCoverage', (error, answer) => {
      if (error !== null) throw new Error(`the inspector gives no coverage: ${String(error)}`);
      taken = answer.result;
    });
    return taken;
  }

  /** Forgets what ran so far. */
  reset(): void {
    this.#take();
  }

  /** The blocks that ran since the last call, each with the class of its hits. */
  blocks(): string[] {
    return this.#take()
      .filter(({ url }) => url.includes(this.#part))
      .flatMap(({ scriptId, functions }) =>
        functions.flatMap(({ ranges }) =>
          ranges.map(
            ({ startOffset, endOffset, count }) => `${scriptId}:${startOffset}:${endOffset}:${classOf(count)}`,
          ),
        ),
      );
  }

  close(): void {
    this.#session.disconnect();
  }
}
