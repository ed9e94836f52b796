import { CodedError, type ErrorDetails, type ErrorTable, errorRow } from '@pawl/core/bytes';

export const DEMO_ERRORS = {
  DEMO_EVENT_MISSING: {
    message: 'something that the demo waits for did not happen',
    advice: 'Run the demo again; when it happens again, report it with the folder .pawl/demo.',
    status: 409,
  },
  DEMO_STEP_FAILED: {
    message: 'a command of the demo did not do what it should',
    advice: 'Run the command by itself in .pawl/demo to see more.',
    status: 409,
  },
  DEMO_FOLDER_FOREIGN: {
    message: 'the folder of the demo holds something that the demo did not make',
    advice: 'Move that folder away; the demo removes only what it made itself.',
    status: 409,
  },
  DEMO_RUNNING: {
    message: 'another demo runs in this folder',
    advice: 'End that one first (Ctrl-C); when it is long gone, remove the folder .pawl/demo.',
    status: 409,
  },
} as const satisfies ErrorTable;

export type DemoErrorCode = keyof typeof DEMO_ERRORS;

export class DemoError extends CodedError<DemoErrorCode> {
  constructor(code: DemoErrorCode, details: ErrorDetails = {}, cause?: unknown) {
    super(code, errorRow(DEMO_ERRORS, code), details, cause);
    this.name = 'DemoError';
  }
}
