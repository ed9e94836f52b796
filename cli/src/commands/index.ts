/** Every command of `pawl`, loaded when it is called: an agent on a device never loads the server. */
import type { CommandTable } from '../frame/parse.ts';

export const COMMANDS: CommandTable = {};
