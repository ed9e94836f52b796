/** The page of a share as HTML without a script: what to look at, how it stands, what to take away, and how to check that. */
import type { OperatorModel, OperatorRow } from '@pawl/compliance/operator';
import type { Advisory, ShareSheet } from '../../acts/supply/share-view.ts';
import { escapeHtml, page } from './frame.ts';

type Shown = ShareSheet & {
  readonly path: string;
  readonly code: string | undefined;
  readonly audience: string;
  readonly role: string;
  readonly expiresOn: string;
};

const STATE_TEXT: Readonly<Record<OperatorRow['state'], string>> = {
  met: '✓ shown',
  partial: '◐ partly shown',
  gap: '✗ not shown',
  'not-applicable': '– not applicable',
  watch: '… watched, does not count',
};

/** A file to take: a form that carries the code, so that no address holds it. */
function takeHtml({ path, code }: Shown, what: string, text: string): string {
  if (code === undefined) return `<a href="${path}/${what}" download>${escapeHtml(text)}</a>`;
  return `<form method="post" action="${path}/${what}"><input type="hidden" name="code" value="${escapeHtml(code)}"><button class="quiet">${escapeHtml(text)}</button></form>`;
}

function sourceText({ sources, missing }: OperatorRow): string {
  const given = sources.map(({ kind, grade, issuedOn, entry }) => {
    const place = entry === null ? '' : `, entry ${entry}`;
    return `${escapeHtml(kind)} <small>(${escapeHtml(grade)}, ${escapeHtml(issuedOn)}${place})</small>`;
  });
  return [...given, ...missing.map((kind) => `no ${escapeHtml(kind)}`)].join('<br>');
}

function rowHtml(row: OperatorRow): string {
  const from = row.isApplicable ? '' : `<br><small>applies from ${escapeHtml(row.appliesFrom ?? 'no date')}</small>`;
  return `<tr><th scope="row">${escapeHtml(row.requirement)}<br><small>${escapeHtml(row.title)}</small>${from}</th><td>${STATE_TEXT[row.state]}</td><td>${sourceText(row)}</td></tr>`;
}

const table = (caption: string, rows: readonly OperatorRow[]): string =>
  `<div class="table"><table><caption>${escapeHtml(caption)}</caption><thead><tr><th scope="col">Requirement, in our words</th><th scope="col">By the records</th><th scope="col">Source and grade</th></tr></thead><tbody>${rows.map(rowHtml).join('')}</tbody></table></div>`;

function modelHtml({ id, name, markets, craClass, counts, checks, law }: OperatorModel, role: string): string {
  const sold = markets.map(
    ({ market, from, until }) =>
      `${escapeHtml(market)} from ${escapeHtml(from)}${until === undefined ? '' : ` until ${escapeHtml(until)}`}`,
  );
  return `<h2 id="m.${escapeHtml(id)}">${escapeHtml(name)}</h2>
<dl class="facts"><dt>Markets</dt><dd>${sold.join('; ')}</dd><dt>Class (CRA)</dt><dd>${escapeHtml(craClass)}</dd>
<dt>All requirements</dt><dd>${counts.met} shown, ${counts.partial} partly, ${counts.gap} not, ${counts['not-applicable']} not applicable</dd></dl>
${table(`What ${/^[ai]/.test(role) ? 'an' : 'a'} ${role} looks at`, checks)}
<details><summary>All duties of law (${law.length})</summary>${table('Duties of law', law)}</details>`;
}

function documentsHtml(shown: Shown): string {
  if (shown.documents.length === 0) return '<p>No documents are shared by this link.</p>';
  const rows = shown.documents.map(
    ({ id, title, kind, issuer, grade, state, file }) =>
      `<tr><th scope="row"><bdi>${escapeHtml(title)}</bdi><br><small>${escapeHtml(kind)} of <bdi>${escapeHtml(issuer)}</bdi>, ${escapeHtml(grade)}${state === 'current' ? '' : `, ${state}`}</small></th><td><small>${file.sizeBytes} bytes, SHA-256</small><code>${file.sha256}</code></td><td>${takeHtml(shown, `documents/${id}`, 'Take it')}</td></tr>`,
  );
  return `<div class="table"><table><caption>Shared by this link</caption><thead><tr><th scope="col">Document</th><th scope="col">File</th><th scope="col">Take</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
}

function advisoryHtml({ title, cve, fixedIn }: Advisory): string {
  const fixed = fixedIn.length === 0 ? 'no fix is recorded' : `fixed in ${fixedIn.map(escapeHtml).join(', ')}`;
  return `<li><strong>${escapeHtml(cve ?? 'no CVE')}</strong> <bdi>${escapeHtml(title)}</bdi>: ${fixed}</li>`;
}

/** The page. */
export function sharePage(shown: Shown): string {
  const { product, models, audience, role, expiresOn, on, version, advisories, vkey, ledgerSize } = shown;
  const { manufacturer, support } = product;
  const command = `pawl verify ${product.product}.zip --key '${vkey}'`;
  const told =
    advisories.length === 0
      ? '<p>None was disclosed about releases of this product.</p>'
      : `<ul>${advisories.map(advisoryHtml).join('')}</ul>`;
  return page(
    product.name,
    `<p class="lead">Evidence by the records of <bdi>${escapeHtml(manufacturer.name)}</bdi> on ${on}, for <bdi>${escapeHtml(audience)}</bdi> (${role}). The link ends on ${expiresOn}.</p>
<div class="notice"><p>What stands here is made from records, and is no verdict: whether the product conforms is for the manufacturer to declare, and for you to look at as the law asks.</p></div>
<dl class="facts"><dt>Manufacturer</dt><dd>${escapeHtml(manufacturer.name)}, ${escapeHtml(manufacturer.address)}</dd>
<dt>Contact</dt><dd>${escapeHtml(manufacturer.contact)}</dd><dt>Vulnerabilities to</dt><dd>${escapeHtml(manufacturer.securityContact)}</dd>
<dt>Supported until</dt><dd>${escapeHtml(support.until)}<br><small>${escapeHtml(support.reasoning)}</small></dd>
<dt>Product record</dt><dd>version ${version}</dd></dl>
<p><small>Grades: <em>claimed</em>, somebody says so · <em>configured</em>, a record of the platform · <em>tested</em>, a test result in the ledger · <em>observed</em>, signed by the device itself.</small></p>
${models.map((model) => modelHtml(model, role)).join('\n')}
<h2>Documents</h2>
${documentsHtml(shown)}
<h2>Advisories</h2>
${told}
<h2>Check it yourself</h2>
<p>The bundle holds the statements that this link lets out, each with the proof that it stands in the ledger (${ledgerSize} entries). It is checked offline, without this server:</p>
<p>${takeHtml(shown, 'bundle', `Take the bundle, ${product.product}.zip`)}</p>
<code>${escapeHtml(command)}</code>
<p class="hint">Compare the key with one that you got another way: a bundle and a key from the same place prove nothing to each other.</p>`,
    'wide',
  );
}

/** Asks for the code. */
export function codePage(path: string, isWrong: boolean): string {
  const wrong = isWrong ? '<p class="wrong-text" id="w">This is not the code.</p>' : '';
  return page(
    'A code is wanted',
    `<p>It was sent to you by another way than the link.</p>${wrong}
<form method="post" action="${path}"><label for="code">Code</label>
<input id="code" name="code" maxlength="64" autocomplete="off" required${isWrong ? ' aria-describedby="w" aria-invalid="true"' : ''}><button>Look</button></form>`,
  );
}

/** What somebody sees who is refused. */
export function shareRefusalPage(problem: {
  readonly title: string;
  readonly advice: string;
  readonly code: string;
}): string {
  const { title, advice, code } = problem;
  return page(
    'There is nothing to see',
    `<p>${escapeHtml(title)}.</p><p>${escapeHtml(advice)}</p><code>${escapeHtml(code)}</code>`,
  );
}
