/** The pages that a supplier sees, as HTML without a script: the form, what was submitted, and refusals. */
import type { AnswerFile, InquiryAnswer, InquiryQuestion } from '@pawl/contract/management';
import type { Draft } from '../../acts/supply/inquiry-answer.ts';
import { escapeHtml, page } from './frame.ts';

/** A value that is no answer is shown again, but not endlessly. */
const SHOWN_CHARS_MAX = 8000;

export type InquirySheet = {
  readonly title: string;
  readonly asker: string;
  readonly supplier: string;
  readonly parts: readonly string[];
  readonly dueOn: string;
  readonly isOverdue: boolean;
  readonly note: string | undefined;
  readonly round: number;
  readonly revision: number;
  readonly questions: readonly InquiryQuestion[];
  readonly draft: Draft;
  readonly faults: ReadonlyMap<string, string>;
  readonly isSaved: boolean;
};

const WORTH_TEXT: Readonly<Record<InquiryAnswer['worth'], string>> = {
  assurance: 'an assurance',
  document: 'a document',
  'test-evidence': 'test evidence',
  'verified-bundle': 'a verified bundle',
};

const heading = (topic: string): string => {
  const text = topic.replaceAll('-', ' ');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
};

const option = (value: string, text: string, chosen: string): string =>
  `<option value="${escapeHtml(value)}"${value === chosen ? ' selected' : ''}>${escapeHtml(text)}</option>`;

function radio(id: string, value: string, text: string, chosen: string): string {
  const checked = value === chosen ? ' checked' : '';
  return `<label><input type="radio" name="a.${id}" value="${value}"${checked}> ${text}</label>`;
}

function field({ id, kind, choices = [] }: InquiryQuestion, value: string, more: string): string {
  const shown = escapeHtml(value.slice(0, SHOWN_CHARS_MAX));
  const name = `id="a.${id}" name="a.${id}"${more}`;
  if (kind === 'text') return `<textarea ${name} rows="3" maxlength="4000" dir="auto">${shown}</textarea>`;
  if (kind === 'date') return `<input type="date" ${name} value="${shown}">`;
  const options = ['', ...choices].map((one) => option(one, one === '' ? 'choose' : one, value));
  return `<select ${name}>${options.join('')}</select>`;
}

function attached({ name, sizeBytes, worth, sha256, bundle }: AnswerFile, id: string): string {
  const size = sizeBytes < 1024 ? `${sizeBytes} bytes` : `${Math.ceil(sizeBytes / 1024)} KiB`;
  const proof = bundle === undefined ? '' : `, ${bundle.entries} entries of ${escapeHtml(bundle.origin)}`;
  const taken = `<label><input type="checkbox" name="x.${id}" value="${sha256}"> take away</label>`;
  return `<li class="take-away"><bdi>${escapeHtml(name)}</bdi> (${size}, ${WORTH_TEXT[worth]}${proof}) ${taken}</li>`;
}

function files({ id }: InquiryQuestion, given: readonly AnswerFile[]): string {
  const list = given.length === 0 ? '' : `<ul>${given.map((one) => attached(one, id)).join('')}</ul>`;
  const count = given.length === 0 ? 'Attach what shows it' : 'Attach more';
  return `${list}<details>
<summary>${count}</summary>
<div>
<label for="f.${id}">File (8 MiB at most: PDF, text, CSV, JSON, XML, PNG, JPEG, ZIP)</label>
<input type="file" id="f.${id}" name="f.${id}">
<label for="k.${id}">What it is</label>
<select id="k.${id}" name="k.${id}">${option('document', 'a document', 'document')}${option('test-report', 'a test report', 'document')}${option('bundle', 'an evidence bundle of Pawl', 'document')}</select>
<label for="i.${id}">Of a test report: who made it</label>
<input id="i.${id}" name="i.${id}" maxlength="128" dir="auto">
<label for="e.${id}">Of a test report: by which edition of what</label>
<input id="e.${id}" name="e.${id}" maxlength="128" dir="auto">
<label for="v.${id}">Of a bundle: its verification key</label>
<input id="v.${id}" name="v.${id}" maxlength="500" autocomplete="off">
</div>
</details>`;
}

function questionHtml(question: InquiryQuestion, { draft, faults }: InquirySheet): string {
  const { id, kind, text, isRequired, attachment } = question;
  const { value = '', files: given = [] } = draft.answers[id] ?? {};
  const fault = faults.get(id);
  const wrong = fault === undefined ? '' : `<p class="wrong-text" id="w.${id}">${escapeHtml(fault)}</p>`;
  const says = fault === undefined ? '' : ` aria-describedby="w.${id}" aria-invalid="true"`;
  const wanted = isRequired === true ? '' : ' <span class="wanted">(optional)</span>';
  const open = `class="question${fault === undefined ? '' : ' wrong'}" id="q.${id}"`;
  const end = attachment ? files(question, given) : '';
  if (kind !== 'yes-no')
    return `<div ${open}><label for="a.${id}">${escapeHtml(text)}${wanted}</label>${wrong}${field(question, value, says)}${end}</div>`;
  const radios = [
    radio(id, 'yes', 'yes', value),
    radio(id, 'no', 'no', value),
    radio(id, 'unknown', 'not known', value),
  ];
  // A group has no aria-invalid (WAI-ARIA 1.2 §6.6); its description says what is wrong.
  const described = fault === undefined ? '' : ` aria-describedby="w.${id}"`;
  return `<fieldset ${open}${described}><legend>${escapeHtml(text)}${wanted}</legend><div>${wrong}<div class="choices">${radios.join('')}</div>${end}</div></fieldset>`;
}

function notices({ faults, isSaved, note, round, questions }: InquirySheet): string {
  const again = round > 1 ? `<div class="notice"><p><strong>You are asked again.</strong></p></div>` : '';
  const said = note === undefined ? '' : `<div class="notice"><p>${escapeHtml(note)}</p></div>`;
  if (faults.size > 0) {
    const known = questions.filter(({ id }) => faults.has(id));
    const items = known.map(({ id, text }) => `<li><a href="#q.${id}">${escapeHtml(text)}</a></li>`);
    const name = faults.has('answeredBy') ? '<li><a href="#answeredBy">Your name and role</a></li>' : '';
    return `${again}${said}<div class="notice bad" role="alert"><p><strong>Nothing was taken yet.</strong> Please look at these, and attach new files again:</p><ul>${items.join('')}${name}</ul></div>`;
  }
  const saved = isSaved
    ? '<div class="notice" role="status"><p><strong>Saved.</strong> Nobody sees the draft until you submit it.</p></div>'
    : '';
  return `${again}${said}${saved}`;
}

/** The form. */
export function inquiryPage(sheet: InquirySheet): string {
  const { asker, supplier, parts, dueOn, isOverdue, questions, draft, faults, revision } = sheet;
  const answered = questions.filter(({ id }) => (draft.answers[id]?.value ?? '') !== '').length;
  const topics = [...Map.groupBy(questions, ({ topic }) => topic)].map(
    ([topic, group]) =>
      `<h2>${escapeHtml(heading(topic))}</h2>${group.map((one) => questionHtml(one, sheet)).join('\n')}`,
  );
  const fault = faults.get('answeredBy');
  const wrong = fault === undefined ? '' : `<p class="wrong-text" id="w.answeredBy">${escapeHtml(fault)}</p>`;
  const late = isOverdue ? ' <strong>(this day is over)</strong>' : '';
  return page(
    sheet.title,
    `<p class="lead"><bdi>${escapeHtml(asker)}</bdi> asks <bdi>${escapeHtml(supplier)}</bdi>.</p>
<dl class="facts"><dt>Parts</dt><dd>${parts.map((one) => `<bdi>${escapeHtml(one)}</bdi>`).join(', ')}</dd>
<dt>Please answer by</dt><dd><time datetime="${dueOn}">${dueOn}</time>${late}</dd>
<dt>Answered</dt><dd>${answered} of ${questions.length}</dd></dl>
${notices(sheet)}
<p>An answer with nothing attached is an assurance. A document says more, a test report more than that, and a bundle that can
be verified most. You may save a draft as often as you like; it is submitted once.</p>
<form method="post" enctype="multipart/form-data" accept-charset="utf-8" novalidate>
<input type="hidden" name="revision" value="${revision}">
${topics.join('\n')}
<h2>Who answers</h2>
<div class="question${fault === undefined ? '' : ' wrong'}"><label for="answeredBy">Your name and role</label>${wrong}
<input id="answeredBy" name="answeredBy" maxlength="128" dir="auto" autocomplete="name" value="${escapeHtml(draft.answeredBy)}"></div>
<button type="submit" name="act" value="save" class="quiet">Save the draft</button>
<button type="submit" name="act" value="submit">Submit the answers</button>
</form>`,
    'wide',
  );
}

export type SubmittedSheet = Pick<InquirySheet, 'title' | 'questions'> & {
  readonly answeredBy: string;
  readonly submittedAt: string;
  readonly answers: readonly InquiryAnswer[];
};

const timeText = (at: string): string => `${at.slice(0, 10)}, ${at.slice(11, 16)} UTC`;

/** What was submitted, for whoever holds the link. */
export function submittedPage({ title, questions, answeredBy, submittedAt, answers }: SubmittedSheet): string {
  const rows = questions.map(({ id, text }) => {
    const answer = answers.find(({ question }) => question === id);
    const names = (answer?.files ?? []).map(({ name }) => `<br><small><bdi>${escapeHtml(name)}</bdi></small>`).join('');
    const value = answer === undefined || answer.value === '' ? '–' : escapeHtml(answer.value).replaceAll('\n', '<br>');
    return `<tr><th scope="row">${escapeHtml(text)}</th><td dir="auto">${value}${names}</td><td>${WORTH_TEXT[answer?.worth ?? 'assurance']}</td></tr>`;
  });
  return page(
    'Thank you',
    `<p>The answers to “${escapeHtml(title)}” came in on <time datetime="${submittedAt}">${timeText(submittedAt)}</time>, from <bdi>${escapeHtml(answeredBy)}</bdi>. They cannot be changed any more; you will be asked again if something is missing.</p>
<div class="table"><table><caption>What you submitted</caption><thead><tr><th scope="col">Question</th><th scope="col">Answer</th><th scope="col">Worth</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>`,
    'wide',
  );
}

/** What somebody sees whose link or form is refused. */
export function linkRefusalPage(problem: {
  readonly title: string;
  readonly advice: string;
  readonly code: string;
}): string {
  const { title, advice, code } = problem;
  return page(
    'This did not work',
    `<p>${escapeHtml(title)}.</p><p>${escapeHtml(advice)}</p><code>${escapeHtml(code)}</code>`,
  );
}
