/** How documents look, on a screen and on paper. Colour is never alone: grades and gaps carry their word. */
export const STYLE = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --paper: #fff; --wash: #f6f8fa; --gap: #9a3412; --gap-wash: #fff4ed; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9da7b3; --line: #30363d; --paper: #0d1117; --wash: #161b22; --gap: #fdba74; --gap-wash: #2a1a10; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 2rem 1.5rem 4rem; color: var(--ink); background: var(--paper); font: 16px/1.55 system-ui, sans-serif; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 1rem; text-wrap: balance; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .75rem; padding-top: 1rem; border-top: 1px solid var(--line); }
dl { display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin: 0 0 1rem; }
dt { color: var(--soft); font-size: .8rem; } dd { margin: 0; font-weight: 600; }
.disclaimer, .note, .answers, .where { color: var(--soft); font-size: .875rem; }
.disclaimer { border-left: 3px solid var(--line); padding-left: 1rem; }
nav ol { columns: 2; column-gap: 2rem; padding: 1rem 1rem 1rem 1.5rem; background: var(--wash); border-radius: .5rem; list-style: none; }
nav a { color: inherit; }
a:focus-visible { outline: 2px solid currentColor; outline-offset: 2px; }
.sentences { list-style: none; padding: 0; } .sentences p { margin: .35rem 0; } .backing { margin: 0 0 .5rem; font-size: .875rem; }
.grade { display: inline-block; font-size: .75rem; line-height: 1.3; padding: 0 .45em; border: 1px solid var(--line); border-radius: 1em; color: var(--soft); white-space: nowrap; }
.grade.observed, .grade.tested { color: var(--ink); border-color: currentColor; font-weight: 600; }
.table { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
caption { text-align: left; font-weight: 600; padding: .25rem 0 .5rem; }
th, td { text-align: left; vertical-align: top; padding: .4rem .6rem; border-bottom: 1px solid var(--line); overflow-wrap: break-word; }
td time, th time { white-space: nowrap; }
thead th { color: var(--soft); font-size: .8rem; } tbody th { font-weight: 600; }
.gap { color: var(--gap); background: var(--gap-wash); border: 1px dashed currentColor; border-radius: .5rem; padding: .5rem 1rem; margin: 1rem 0; }
.gap p { margin: 0; } .gap ul { margin: .25rem 0 0; }
footer { font-size: .875rem; color: var(--soft); }
@media (max-width: 40rem) { nav ol { columns: 1; } body { padding: 1rem; } }
@media print { :root { --ink: #000; --paper: #fff; --wash: #fff; --gap-wash: #fff; } body { max-width: none; padding: 0; font-size: 10.5pt; } nav { break-after: page; } h2, caption { break-after: avoid; } tr, .sentences > li { break-inside: avoid; } th, td { overflow-wrap: anywhere; } @page { margin: 18mm 16mm; } }
`;
