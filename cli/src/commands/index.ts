/** Every command of `pawl`. The demo stands apart because it uses all the others. */
import type { CommandTable } from '../frame/parse.ts';
import { WORK_COMMANDS } from './work.ts';

export const COMMANDS: CommandTable = {
  demo: { summary: 'show the whole loop on this machine', load: async () => (await import('./demo.ts')).demo },
  ...WORK_COMMANDS,
};
