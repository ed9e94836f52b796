/** Where things stand in the state folder of a device. */
import { join } from 'node:path';

export type StateFolder = {
  readonly dir: string;
  readonly config: string;
  readonly identityDir: string;
  readonly deviceKey: string;
  readonly lineKey: string;
  readonly trustDir: string;
  readonly provisionedRoot: string;
  readonly journal: string;
  readonly lock: string;
  /** The user's answer to a question for consent; written by `answerConsent`, removed by the agent. */
  readonly consent: string;
  /** Which updates the user does not want by themselves; written by `setOptOut`. */
  readonly optOut: string;
  /** What the update that is asked about is. */
  readonly notice: string;
};

export function stateFolder(dir: string): StateFolder {
  const identityDir = join(dir, 'identity');
  const trustDir = join(dir, 'trust');
  return {
    dir,
    config: join(dir, 'config.json'),
    identityDir,
    deviceKey: join(identityDir, 'device-key.json'),
    lineKey: join(identityDir, 'line-key.json'),
    trustDir,
    provisionedRoot: join(trustDir, 'provisioned-root.json'),
    journal: join(dir, 'journal'),
    lock: join(dir, 'lock'),
    consent: join(dir, 'consent'),
    optOut: join(dir, 'opt-out'),
    notice: join(dir, 'notice.json'),
  };
}
