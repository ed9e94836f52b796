/**
 * Inquiries from the side of the supplier, who has a link and nothing else. The link opens one inquiry; a draft is saved as
 * often as one likes, each time on the revision that the form was made from, and submitted once a round. Unknown, revoked and
 * expired links are refused alike.
 */
import { Readable } from 'node:stream';
import { faultOfAnswer, isFavourable, worthOf } from '@pawl/compliance/supplier';
import { type AnswerFile, INQUIRY_FILES_MAX, type InquiryAnswer } from '@pawl/contract/management';
import { foreignLines, oneLine } from '../../domain/foreign-text.ts';
import { appendAudit } from '../../store/audit.ts';
import type { Db, Trx } from '../../store/database.ts';
import {
  addInquiryFile,
  bytesOfInquiry,
  findInquiryByLink,
  insertRound,
  updateInquiry,
} from '../../store/inquiries.ts';
import type { InquiryTable } from '../../store/schema/index.ts';
import { putEvidenceFile } from '../evidence/vault.ts';
import type { ServerPorts } from '../ports.ts';
import { secretSha256 } from '../secret.ts';
import { type GivenFile, judgeFile } from './answer-file.ts';
import { SupplyError } from './errors.ts';
import { inquiryRecord, recordAnswer, recordInquiry } from './inquiry-record.ts';

/** All files of an inquiry together, those that were taken away again too. */
const INQUIRY_BYTES_MAX = 32 * 2 ** 20;
const NAME_CHARS_MAX = 128;

export type Draft = {
  readonly answeredBy: string;
  readonly answers: Readonly<Record<string, { readonly value: string; readonly files: readonly AnswerFile[] }>>;
};

/** @throws SupplyError INQUIRY_LINK_INVALID */
export async function openLink(db: Db, ports: ServerPorts, secret: string): Promise<InquiryTable> {
  const row = await findInquiryByLink(db, secretSha256(secret), ports.now().getTime());
  if (row === undefined) throw new SupplyError('INQUIRY_LINK_INVALID');
  return row;
}

/** What was saved last. */
export function draftOf(row: InquiryTable): Draft {
  return row.draft === null ? { answeredBy: '', answers: {} } : (JSON.parse(row.draft) as Draft);
}

export type GivenAnswer = {
  readonly value: string;
  readonly file: GivenFile | undefined;
  /** Digests of files that are taken away. */
  readonly removed: readonly string[];
};

export type GivenForm = {
  readonly revision: number;
  readonly isSubmit: boolean;
  readonly answeredBy: string;
  readonly answers: ReadonlyMap<string, GivenAnswer>;
};

export type Taken = {
  readonly row: InquiryTable;
  /** What is shown in the form: what was given, whether it was taken or not. */
  readonly draft: Draft;
  /** By question; `answeredBy` too. Nothing was taken when there is one. */
  readonly faults: ReadonlyMap<string, string>;
};

type Judged = { readonly draft: Draft; readonly faults: Map<string, string>; readonly fresh: Map<string, Uint8Array> };

/** Looks at everything that a form holds; takes nothing. */
function judge(row: InquiryTable, form: GivenForm): Judged {
  const before = draftOf(row);
  const faults = new Map<string, string>();
  const fresh = new Map<string, Uint8Array>();
  const bundles: string[] = [];
  const answers: Record<string, { value: string; files: AnswerFile[] }> = {};
  for (const question of inquiryRecord(row).template.questions) {
    const given = form.answers.get(question.id);
    const raw = given?.value ?? '';
    const value = question.kind === 'text' ? foreignLines(raw) : oneLine(raw);
    const fault = faultOfAnswer(question, value);
    if (fault !== undefined) faults.set(question.id, `this is to be ${fault}`);
    else if (form.isSubmit && question.isRequired === true && value === '')
      faults.set(question.id, 'an answer is wanted');
    const files = (before.answers[question.id]?.files ?? []).filter(
      ({ sha256 }) => given?.removed.includes(sha256) !== true,
    );
    const file = given?.file;
    if (file !== undefined) {
      const judged = !question.attachment
        ? { fault: 'no file is taken here' }
        : file.meaning === 'bundle' && bundles.push(question.id) > 1
          ? { fault: 'one bundle at a time: save the draft in between' }
          : judgeFile(file);
      if ('fault' in judged) faults.set(question.id, judged.fault);
      else if (files.length >= INQUIRY_FILES_MAX) faults.set(question.id, `${INQUIRY_FILES_MAX} files at most`);
      else {
        fresh.set(judged.sha256, file.bytes);
        files.splice(0, files.length, ...files.filter(({ sha256 }) => sha256 !== judged.sha256), judged);
      }
    }
    answers[question.id] = { value, files };
  }
  const answeredBy = oneLine(form.answeredBy).slice(0, NAME_CHARS_MAX);
  if (form.isSubmit && answeredBy === '') faults.set('answeredBy', 'your name and role are wanted');
  return { draft: { answeredBy, answers }, faults, fresh };
}

async function keepFiles(ports: ServerPorts, row: InquiryTable, fresh: Judged['fresh']): Promise<void> {
  for (const [sha256, bytes] of fresh) {
    const sizeBytes = bytes.length;
    await ports.database.write(async (trx) => {
      if ((await bytesOfInquiry(trx, row.id)) + sizeBytes > INQUIRY_BYTES_MAX) throw new SupplyError('INQUIRY_FULL');
      const file = { inquiry_id: row.id, sha256, tenant_id: row.tenant_id, size_bytes: sizeBytes };
      await addInquiryFile(trx, { ...file, added_ms: ports.now().getTime() });
    });
    await putEvidenceFile(ports, row.tenant_id, { sha256, sizeBytes }, Readable.from([bytes]));
  }
}

async function submit(trx: Trx, ports: ServerPorts, row: InquiryTable, draft: Draft): Promise<InquiryTable> {
  const { questions } = inquiryRecord(row).template;
  const answers = questions.map((question): InquiryAnswer => {
    const { value = '', files = [] } = draft.answers[question.id] ?? {};
    return { question: question.id, value, worth: worthOf(files), files: [...files] };
  });
  for (const [at, question] of questions.entries()) {
    const answer = answers[at];
    if (answer === undefined) throw new TypeError('every question has its answer');
    await recordAnswer(trx, ports, row, { answer, isFavourable: isFavourable(question, answer.value) });
  }
  await recordInquiry(trx, ports, row, {
    act: 'submit',
    by: `inquiry/${row.id}`,
    facts: { answeredBy: draft.answeredBy },
  });
  await insertRound(trx, {
    inquiry_id: row.id,
    round: row.round,
    answers: JSON.stringify(answers),
    answered_by: draft.answeredBy,
    submitted_ms: ports.now().getTime(),
  });
  return await updateInquiry(trx, row.id, { state: 'submitted' });
}

/** @throws SupplyError INQUIRY_CHANGED, INQUIRY_STATE_UNSUITABLE */
function refuseStale(row: InquiryTable, form: GivenForm): void {
  if (row.state !== 'open') throw new SupplyError('INQUIRY_STATE_UNSUITABLE', { state: row.state });
  if (row.revision !== form.revision) throw new SupplyError('INQUIRY_CHANGED', { revision: row.revision });
}

/**
 * Takes a form as a draft, or submits it. With a fault in it nothing is taken.
 * @throws SupplyError INQUIRY_LINK_INVALID, INQUIRY_CHANGED, INQUIRY_STATE_UNSUITABLE, INQUIRY_FULL
 */
export async function takeForm(
  ports: ServerPorts,
  secret: string,
  form: GivenForm,
  visit: { readonly source: string; readonly requestId: string },
): Promise<Taken> {
  const row = await openLink(ports.database.read, ports, secret);
  refuseStale(row, form);
  const { draft, faults, fresh } = judge(row, form);
  if (faults.size > 0) return { row, draft, faults };
  await keepFiles(ports, row, fresh);
  return await ports.database.write(async (trx) => {
    const now = await openLink(trx, ports, secret);
    refuseStale(now, form);
    const saved = await updateInquiry(trx, now.id, { draft: JSON.stringify(draft), revision: now.revision + 1 });
    const ended = form.isSubmit ? await submit(trx, ports, saved, draft) : saved;
    await appendAudit(trx, {
      tenant_id: now.tenant_id,
      at_ms: ports.now().getTime(),
      actor: `inquiry/${now.id}`,
      credential: 'link',
      operation: form.isSubmit ? 'submitInquiry' : 'saveInquiry',
      target: `/inquiry/${now.id}`,
      result: 'ok',
      source: visit.source,
      request_id: visit.requestId,
    });
    return { row: ended, draft, faults };
  });
}
