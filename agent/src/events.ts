/** What the agent says while it runs: one JSON line each on standard output. No secrets, no payloads. */
import type { AttestationVerdict, ReportState } from '@pawl/contract/device';

export type AgentEvent =
  | { readonly event: 'started'; readonly version: string; readonly slot: string; readonly floor: string }
  | { readonly event: 'stopped' }
  | { readonly event: 'polled'; readonly nextInMs: number }
  | { readonly event: 'unreachable'; readonly code: string; readonly message: string; readonly nextInMs: number }
  | { readonly event: 'waiting'; readonly code: string; readonly message: string; readonly nextInMs: number }
  | { readonly event: 'note'; readonly code: string; readonly message: string }
  | { readonly event: 'boot'; readonly slot: string; readonly isHealthy: boolean }
  | ({ readonly event: 'attested'; readonly slot: string } & AttestationVerdict)
  | { readonly event: 'progress'; readonly assignmentId: string; readonly bytes: number; readonly of: number }
  | {
      readonly event: 'state';
      readonly state: ReportState | 'cancelled';
      readonly assignmentId: string;
      readonly version: string;
      readonly code?: string;
      readonly step?: number;
      readonly message?: string;
    };

export type Emit = (event: AgentEvent) => void;
