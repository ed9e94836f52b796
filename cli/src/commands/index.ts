/** Every command of `pawl`, loaded when it is called: an agent on a device never loads the server. */
import type { CommandTable } from '../frame/parse.ts';

export const COMMANDS: CommandTable = {
  key: { summary: 'sealed private keys of the workspace', load: async () => (await import('./key.ts')).key },
  seal: { summary: 'encrypt, describe and sign an image', load: async () => (await import('./seal.ts')).seal },
  verify: { summary: 'verify a file or folder, offline', load: async () => (await import('./verify.ts')).verify },
};
