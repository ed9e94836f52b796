/** The pages of vulnerability intake as HTML without a script. Every text goes through `escapeHtml`, wherever it comes from. */
import type { DisclosurePolicy } from '@pawl/contract/management';
import { escapeHtml, page } from './frame.ts';

const paragraphs = (text: string): string =>
  text
    .split(/\n{2,}/)
    .filter((one) => one.trim() !== '')
    .map((one) => `<p>${escapeHtml(one.trim()).replace(/\n/g, '<br>')}</p>`)
    .join('\n');

const FORM = `<h2 id="form">Send a report</h2>
<form method="post" action="/security/report" aria-labelledby="form" accept-charset="utf-8">
<label for="title">In one line</label>
<input id="title" name="title" maxlength="200" required>
<label for="product">Product and version</label>
<input id="product" name="product" maxlength="200">
<label for="description">What is wrong, and how it can be seen</label>
<textarea id="description" name="description" rows="12" maxlength="19000" required></textarea>
<label for="reporter">Your name (you need not give one)</label>
<input id="reporter" name="reporter" maxlength="200" autocomplete="name">
<label for="contact">How we reach you (without it, you get no answer)</label>
<input id="contact" name="contact" maxlength="200" autocomplete="email">
<button type="submit">Send</button>
</form>`;

/** The policy page, with the form when it is open. */
export function policyPage(policy: DisclosurePolicy): string {
  const { acknowledge, assess, disclose } = policy.days;
  const contacts = policy.contacts
    .map(
      (one) => `<li><a href="${escapeHtml(one)}" rel="noreferrer">${escapeHtml(one.replace(/^mailto:/, ''))}</a></li>`,
    )
    .join('');
  return page(
    'Report a vulnerability',
    `${paragraphs(policy.text)}
<ul>
<li>You hear from us within ${acknowledge} days.</li>
<li>We tell you what we make of it within ${assess} days.</li>
<li>We aim to have it fixed and told to everybody within ${disclose} days.</li>
</ul>
<p>Write to:</p>
<ul>${contacts}</ul>
${policy.isFormOpen ? FORM : ''}`,
  );
}

/** What somebody sees whose report came in. */
export function receiptPage(receipt: string): string {
  return page(
    'Your report came in',
    `<p>Its number is <strong id="receipt">${escapeHtml(receipt)}</strong>. Keep it: it names your report when you write to us.</p>
<p><a href="/security">Back</a></p>`,
  );
}

/** What somebody sees whose report was not taken. */
export function refusalPage(problem: {
  readonly title: string;
  readonly advice: string;
  readonly code: string;
}): string {
  return page(
    'Your report was not taken',
    `<p>${escapeHtml(problem.title)}.</p>
<p>${escapeHtml(problem.advice)}</p>
<p><code>${escapeHtml(problem.code)}</code></p>
<p><a href="/security">Back</a></p>`,
  );
}
