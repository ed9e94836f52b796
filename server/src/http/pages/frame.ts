/** What pages without a script have in common. Every text goes through `escapeHtml`, wherever it comes from. */

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (one) => ENTITIES[one] ?? '');
}

/** A page; `wide` is for what is more than a few lines. */
export function page(title: string, body: string, width: 'narrow' | 'wide' = 'narrow'): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${escapeHtml(title)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/pages/pawl.css">
</head>
<body class="${width}">
<header><svg class="mark" viewBox="0 0 24 24" aria-hidden="true"><path d="M4 20V9l4-5 4 5 4-5 4 5v11z"/></svg><span>Pawl</span></header>
<main><section>
<h1>${escapeHtml(title)}</h1>
${body}
</section></main>
</body>
</html>
`;
}
