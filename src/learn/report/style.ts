/** The report's style sheet: one accent, system fonts, light, dark and print. Colours after Okabe and Ito (2008). */
export const STYLE = `
:root{color-scheme:light dark;--bg:#fff;--surface:#f6f6f4;--ink:#1b1e23;--muted:#5d6470;--line:#dfe0dd;
--teacher:#6b7280;--student:#0a6ab3;--baseline:#c65a08;--third:#007a5e;--fourth:#a3487f;
--heat:#0a5a9c;--on-heat:#fff;--cell-muted:#e9e9e6;--cell-empty:#f6f6f4;--helped:#00765a;--harmed:#b44208;--neither:#5d6470;--plot-background:transparent}
@media (prefers-color-scheme:dark){:root{--bg:#15171b;--surface:#1e2126;--ink:#e9eaec;--muted:#a2a8b3;--line:#353941;
--teacher:#a9b0bc;--student:#5ab1ea;--baseline:#f0a04b;--third:#3fc39b;--fourth:#d991bb;
--heat:#5ab1ea;--on-heat:#0d1116;--cell-muted:#2b2f36;--cell-empty:#1e2126;--helped:#46c69f;--harmed:#f29a5b;--neither:#a2a8b3}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
.page{max-width:1080px;margin:0 auto;padding:40px 24px 72px}
header{border-bottom:1px solid var(--line);padding-bottom:20px}
.kicker{color:var(--muted);font-size:13px;margin:0 0 4px}
h1{font-size:30px;line-height:1.2;letter-spacing:-.015em;margin:0;font-weight:650;overflow-wrap:anywhere}
h2{font-size:20px;line-height:1.3;letter-spacing:-.005em;margin:0 0 8px;font-weight:650}
h3{font-size:16px;margin:32px 0 6px;font-weight:650}
p{margin:0 0 12px;max-width:76ch}
header p:last-child{margin-bottom:0}
header .description{margin-top:10px}
section{margin-top:52px}
.lead,.note,.kicker,small{color:var(--muted)}
.note{font-size:13px;margin-top:10px}
nav{margin-top:14px;font-size:13px;display:flex;flex-wrap:wrap;gap:4px 18px}
a{color:var(--student);text-decoration:none}a:hover{text-decoration:underline}
:focus-visible{outline:2px solid var(--student);outline-offset:2px}
.warnings{margin-top:24px;border-left:3px solid var(--harmed);background:var(--surface);padding:12px 18px}
.warnings h2{font-size:15px;margin:0 0 4px}.warnings ul{margin:0;padding-left:18px}
.verdicts{margin-top:28px;display:grid;gap:28px 48px;grid-template-columns:minmax(0,1fr) minmax(0,1fr);align-items:center}
.verdict+.verdict{margin-top:26px}
.verdict h2{font-size:16px;margin-bottom:6px}
.badge{display:inline-block;font-size:13px;font-weight:600;padding:2px 10px;border:1px solid currentColor;border-radius:99px}
.helped{color:var(--helped)}.harmed{color:var(--harmed)}.neither{color:var(--neither)}
.points{font-size:24px;font-weight:650;letter-spacing:-.02em;line-height:1.2;margin:8px 0 4px;font-variant-numeric:tabular-nums}
.single .points{font-size:44px}
.points small{font-size:15px;font-weight:400;letter-spacing:0}
.verdict .sentence{margin:0}.advice{margin:6px 0 0;color:var(--muted)}
.key{display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));gap:0;margin:32px 0 0;border-top:1px solid var(--line);border-bottom:1px solid var(--line)}
.key div{padding:14px 18px 14px 0;display:flex;flex-direction:column-reverse;justify-content:flex-end}
.key dt{color:var(--muted);font-size:13px;line-height:1.4}.key dd{margin:0;font-size:24px;font-weight:600;letter-spacing:-.01em;font-variant-numeric:tabular-nums}
.many{grid-template-columns:minmax(0,1fr)}.many>div:first-child{display:grid;gap:26px 40px;grid-template-columns:repeat(auto-fit,minmax(min(100%,290px),1fr))}
.many .verdict+.verdict{margin-top:0}
.scroll{overflow-x:auto;-webkit-overflow-scrolling:touch;background:linear-gradient(90deg,var(--bg) 40%,transparent) 0 0/32px 100%,linear-gradient(270deg,var(--bg) 40%,transparent) 100% 0/32px 100%,linear-gradient(90deg,var(--line),transparent) 0 0/12px 100%,linear-gradient(270deg,var(--line),transparent) 100% 0/12px 100%;background-repeat:no-repeat;background-attachment:local,local,scroll,scroll}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:14px}
th,td{padding:8px 0 8px 18px;text-align:right;vertical-align:top;border-bottom:1px solid var(--line);white-space:nowrap;font-weight:400}
th:first-child,td:first-child{padding-left:0;text-align:left}
thead th{color:var(--muted);font-size:13px;vertical-align:bottom;white-space:normal}
th.text,td.text{text-align:left;white-space:normal;min-width:200px}
td small,th small{display:block;font-size:12px;font-weight:400;line-height:1.4}
thead th small{display:inline}
tbody th small{max-width:30ch;white-space:normal;padding-left:18px}
tr.student th,tr.student td{font-weight:600}
.dot{display:inline-block;width:10px;height:10px;border-radius:50%;margin-right:8px}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));gap:28px 40px}
figure{margin:0;min-width:0}section>figure{margin-top:20px}
.charts figure{max-width:560px}
figcaption{display:flex;flex-wrap:wrap;gap:2px 16px;align-items:baseline;font-size:14px;margin-bottom:8px}
figcaption strong{font-weight:600}
.legend{display:inline-flex;flex-wrap:wrap;gap:2px 14px;color:var(--muted);font-size:13px}
.legend i{display:inline-block;width:12px;height:12px;border-radius:2px;margin-right:6px;vertical-align:-1px}
svg{display:block;width:100%;height:auto}
svg text{white-space:pre}
svg [aria-label$="grid"]{stroke:var(--line);stroke-opacity:1}
svg [aria-label$="tick label"],svg [aria-label$="axis label"]{fill:var(--muted)}
svg [aria-label$="axis tick"]{stroke:var(--line)}
figure svg{max-width:var(--natural,100%)}
details{margin-top:16px}summary{cursor:pointer;color:var(--muted)}summary:hover{color:var(--ink)}
details table,details figure{margin-top:12px}
td details{margin:0}td ul{margin:4px 0 0;padding-left:16px}
.controls{display:flex;flex-wrap:wrap;align-items:center;gap:8px 18px;padding:12px 16px;background:var(--surface);border-radius:6px;margin:0 0 14px;position:sticky;top:0;z-index:1}
.controls[hidden]{display:none}
.controls label{min-width:128px}.controls output{font-weight:650;font-variant-numeric:tabular-nums}
.controls input{flex:1 1 200px;min-width:140px;accent-color:var(--student);height:24px}
.presets{display:inline-flex;flex-wrap:wrap;gap:6px}
button{font:inherit;font-size:13px;color:inherit;background:var(--bg);border:1px solid var(--line);border-radius:4px;padding:3px 10px;cursor:pointer}
button[aria-pressed=true]{border-color:var(--student);color:var(--student);font-weight:600}
.entropy{color:var(--muted);font-size:13px;font-variant-numeric:tabular-nums}.entropy b{color:var(--ink)}
.samples{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,228px),1fr));gap:16px}
.sample{border:1px solid var(--line);border-radius:6px;padding:12px;break-inside:avoid;min-width:0}
.sample .head{display:flex;gap:12px;align-items:center;margin-bottom:10px;font-size:13px;line-height:1.4;min-height:64px}
.sample .head p{margin:0;overflow-wrap:anywhere}
.sample img{width:64px;height:64px;object-fit:contain;image-rendering:pixelated;background:#000;border-radius:3px;flex:none}
.features{margin:0;display:grid;grid-template-columns:auto auto;gap:0 8px;font-size:12px;flex:none;max-width:62%}
.features dt{color:var(--muted)}.features dd{margin:0;text-align:right;font-variant-numeric:tabular-nums}
.bars{display:grid;grid-template-columns:minmax(16px,max-content) 1fr 52px;gap:0 8px;align-items:center;font-size:12px;line-height:17px}.bar{display:contents}
.bar .name{white-space:nowrap}
.bar.truth .name{font-weight:700}.bar.truth .name::after{content:" ●";font-size:8px;vertical-align:2px}
.track{position:relative;height:12px;background:var(--surface);border-radius:2px;overflow:hidden}
.track i{position:absolute;left:0;top:0;height:100%}
.of-teacher{background:var(--teacher);opacity:.75}.track .of-student{background:var(--student);top:4px;height:4px}
.share{text-align:right;color:var(--muted);font-variant-numeric:tabular-nums;white-space:nowrap}
.facts{display:grid;grid-template-columns:minmax(120px,max-content) 1fr;gap:4px 24px;margin:0}
.facts dt{color:var(--muted)}.facts dd{margin:0;overflow-wrap:anywhere}
.pairs{max-width:640px}
.columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:36px 48px}
.columns section{margin-top:52px}
.tight{gap:16px 48px;align-items:start}
.findings{list-style:none;margin:0 0 24px;padding:0}.findings li{border-left:3px solid var(--line);padding:2px 0 2px 14px;margin:0 0 12px}
.findings li.warning{border-color:var(--harmed)}.findings p{margin:0;max-width:84ch;overflow-wrap:anywhere}
.findings .cure{color:var(--muted)}.findings code{color:var(--muted);font-size:12px;white-space:nowrap}
.tight+.scroll,.tight+details{margin-top:20px}.counts td.wide,.counts th.wide{width:38%;padding-left:18px;vertical-align:middle}.counts .track{display:block;height:8px}.counts .track .of-student{top:0;height:8px}
.pictures{display:flex;flex-wrap:wrap;gap:8px;margin-top:8px}.pictures img{display:block;min-width:40px;image-rendering:pixelated;background:var(--surface)}
.pair{display:flex;flex-wrap:wrap;gap:6px;align-items:end;align-content:end;width:min(100%,300px);margin:0 16px 8px 0}.pair figcaption{flex-basis:100%;margin:0;font-size:12px;color:var(--muted);overflow-wrap:anywhere}
.examples td{text-align:left}.examples .pictures{margin:0}.rows .label{text-align:left}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
pre,code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:13px}
pre{background:var(--surface);padding:14px 16px;border-radius:6px;overflow-x:auto;line-height:1.5;margin:8px 0 0}
footer{margin-top:64px;padding-top:14px;border-top:1px solid var(--line);color:var(--muted);font-size:13px}
.print-only{display:none!important}
@media (max-width:760px){.page{padding:24px 16px 48px}.verdicts{grid-template-columns:minmax(0,1fr)}section{margin-top:40px}h1{font-size:25px}.single .points{font-size:36px}.facts{grid-template-columns:1fr;gap:0}.facts dd{margin-bottom:8px}.controls{position:static}}
@media screen and (max-width:760px){.stack,.stack tbody{display:block}.stack thead{display:none}
.stack tr{display:grid;grid-template-columns:repeat(3,minmax(0,1fr));gap:8px 14px;padding:12px 0;border-bottom:1px solid var(--line)}
.stack th,.stack td{padding:0;border:0;text-align:left;white-space:normal;overflow-wrap:anywhere;min-width:0}
.stack th[scope=row],.stack td.text{grid-column:1/-1;max-width:none}.stack tbody th small{max-width:none}
.stack td::before{content:attr(data-label);display:block;color:var(--muted);font-size:12px;font-weight:400;line-height:1.4}
.narrow{font-size:13px}.narrow th,.narrow td{padding-left:5px}.narrow thead th,.narrow thead small{font-size:11px;line-height:1.3}.narrow tbody th{white-space:normal;overflow-wrap:anywhere;min-width:4.5em}.narrow th:first-child{padding-left:0}
.errors th:first-child{position:sticky;left:0;background:var(--bg);padding-right:8px}th,td{padding-left:10px}.errors thead th{min-width:72px}.key{grid-template-columns:repeat(2,minmax(0,1fr))}}
@media print{:root{color-scheme:light;--bg:#fff;--surface:#f6f6f4;--ink:#000;--muted:#444;--line:#ccc;--teacher:#6b7280;--student:#0a6ab3;--baseline:#c65a08;--third:#007a5e;--fourth:#a3487f;--heat:#0a5a9c;--on-heat:#fff;--cell-muted:#e9e9e6;--cell-empty:#f6f6f4;--helped:#00765a;--harmed:#b44208;--neither:#444}
body{font-size:11pt}.page{max-width:none;padding:0}nav,.controls{display:none!important}.print-only{display:inline!important}section{margin-top:28px}
figure,tr,.sample,.verdict,pre{break-inside:avoid}h2,h3{break-after:avoid}.scroll{overflow:visible}.scroll>div{min-width:0!important}th,td{padding-left:10px}*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
`;
