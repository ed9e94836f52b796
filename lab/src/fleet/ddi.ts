/**
 * What a light DDI client sends and reads. Links are followed by their path alone, as one real client does, so that a
 * fleet reaches the server through whatever stands in front of it.
 */

type Json = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function member(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, name) => (isObject(inner) ? inner[name] : undefined), value);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function pathOf(href: unknown): string | undefined {
  return typeof href === 'string' ? /^https?:\/\/[^/]+(\/[\x21-\x7e]*)$/.exec(href)?.[1] : undefined;
}

export type PollAnswer = {
  readonly sleepMs: number;
  readonly configData: string | undefined;
  readonly deployment: string | undefined;
  readonly confirmation: string | undefined;
  readonly cancel: string | undefined;
};

const SLEEP_DEFAULT_MS = 300_000;

function sleepMsOf(text: unknown): number {
  const [, hours, minutes, seconds] = typeof text === 'string' ? (/^(\d\d):(\d\d):(\d\d)$/.exec(text) ?? []) : [];
  if (hours === undefined) return SLEEP_DEFAULT_MS;
  return (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000;
}

export function parsePoll(body: Buffer): PollAnswer {
  const document: unknown = JSON.parse(body.toString());
  const link = (name: string): string | undefined => pathOf(member(document, '_links', name, 'href'));
  return {
    sleepMs: sleepMsOf(member(document, 'config', 'polling', 'sleep')),
    configData: link('configData'),
    deployment: link('deploymentBase'),
    confirmation: link('confirmationBase'),
    cancel: link('cancelAction'),
  };
}

export type Deployment = { readonly version: string; readonly files: readonly string[] };

/** The files by whichever link there is; the version is that of the first chunk. */
export function parseDeployment(body: Buffer): Deployment {
  const document: unknown = JSON.parse(body.toString());
  const chunks = listOf(member(document, 'deployment', 'chunks'));
  const version = member(chunks[0], 'version');
  const files = chunks
    .flatMap((chunk) => listOf(member(chunk, 'artifacts')))
    .flatMap((artifact) => {
      const href =
        member(artifact, '_links', 'download', 'href') ?? member(artifact, '_links', 'download-http', 'href');
      return pathOf(href) ?? [];
    });
  return { version: typeof version === 'string' ? version : '', files };
}

/** The number of the action in the path of its link. */
export function actionIdOf(path: string): number | undefined {
  const text = /\/([0-9]{1,10})(?:\?|$)/.exec(path)?.[1];
  return text === undefined ? undefined : Number(text);
}

export type Feedback = {
  readonly execution: 'proceeding' | 'download' | 'downloaded' | 'closed';
  readonly finished: 'none' | 'success' | 'failure';
  readonly details: readonly string[];
};

export function feedbackBody(actionId: number, { execution, finished, details }: Feedback): string {
  return JSON.stringify({ id: String(actionId), status: { execution, result: { finished }, details } });
}
