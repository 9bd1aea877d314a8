/** Style of the report: one file, no fonts, no scripts, dark where the reader's system is. */
export const REPORT_STYLE = `
:root{color-scheme:light dark;--bg:#f5f6f8;--card:#fff;--line:#e3e6eb;--grid:#eceef2;--text:#12161d;--mute:#5c6675;--accent:#3257d6;
--sev1:#c81e2b;--sev2:#e07b2c;--sev3:#d9b13b;--sev4:#a9b7d1;--good:#12784a;--bad:#b3202c;--band:#3257d61f;--heat:50,87,214;--shadow:0 1px 2px #10182810}
@media(prefers-color-scheme:dark){:root{--bg:#0c0f14;--card:#141920;--line:#242b36;--grid:#1e2530;--text:#e9edf3;--mute:#9aa6b8;--accent:#8aa6ff;
--sev1:#ff5d68;--sev2:#f08a45;--sev3:#d8b64a;--sev4:#56678a;--good:#4bd08b;--bad:#ff7b83;--band:#8aa6ff26;--heat:138,166,255;--shadow:none}}
*{box-sizing:border-box}
html{font:14px/1.5 ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;background:var(--bg);color:var(--text);-webkit-text-size-adjust:100%}
body{margin:0 auto;max-width:1160px;padding:28px 20px 56px;overflow-wrap:anywhere}
h1,h2,p{margin:0}
h1{font-size:22px;font-weight:680;letter-spacing:-.02em;line-height:1.25}
.lead{color:var(--mute);margin:4px 0 20px}
.mute{color:var(--mute)}.small{font-size:12px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin-bottom:16px}
.tile,.card{background:var(--card);border:1px solid var(--line);border-radius:10px;box-shadow:var(--shadow);min-width:0}
.tile{padding:12px 14px}
.tile .label{color:var(--mute);font-size:12px}
.tile .value{font-size:21px;white-space:nowrap;font-weight:650;letter-spacing:-.02em;line-height:1.3;font-variant-numeric:tabular-nums}
.tile .note{color:var(--mute);font-size:12px}
.card{margin-bottom:16px;overflow:hidden}
.card>h2{font-size:13px;font-weight:650;padding:11px 16px;border-bottom:1px solid var(--line);display:flex;gap:6px 12px;align-items:baseline;flex-wrap:wrap}
.card>h2 .end{margin-left:auto;color:var(--mute);font-weight:450;font-size:12px}
.body{padding:14px 16px}
.two{display:grid;grid-template-columns:minmax(0,5fr) minmax(0,3fr);gap:16px;align-items:start}
@media(max-width:820px){.two{grid-template-columns:minmax(0,1fr);gap:0}}
.scroll{overflow-x:auto}
.plot{display:block;width:100%;height:auto;min-width:560px}
.plot.small{min-width:320px}
.plot text{font-size:11px;fill:var(--mute);font-variant-numeric:tabular-nums}
.plot text.strong{fill:var(--text)}.plot text.on{fill:var(--card);font-weight:600}
.plot .grid{stroke:var(--grid)}.plot .axis{stroke:var(--line)}
.plot .SEV1{fill:var(--sev1)}.plot .SEV2{fill:var(--sev2)}.plot .SEV3{fill:var(--sev3)}.plot .SEV4{fill:var(--sev4)}
.plot .band{fill:var(--band)}.plot .mark{fill:var(--accent)}
.plot .bar{fill:var(--accent)}.plot .cell{stroke:var(--card);stroke-width:1}
.plot .zero{fill:var(--grid)}
.plot .h1{fill:rgba(var(--heat),.28)}.plot .h2{fill:rgba(var(--heat),.46)}.plot .h3{fill:rgba(var(--heat),.66)}.plot .h4{fill:rgba(var(--heat),.84)}.plot .h5{fill:rgb(var(--heat))}
.legend{display:flex;flex-wrap:wrap;gap:4px 14px;color:var(--mute);font-size:12px;margin-top:8px}
.legend i{display:inline-block;width:9px;height:9px;border-radius:2px;margin-right:6px}
.legend .SEV1{background:var(--sev1)}.legend .SEV2{background:var(--sev2)}.legend .SEV3{background:var(--sev3)}.legend .SEV4{background:var(--sev4)}.legend .band{background:var(--band);outline:1px solid var(--accent)}
table{border-collapse:collapse;width:100%;font-size:13px;font-variant-numeric:tabular-nums}
th{font-weight:500;font-size:12px;color:var(--mute);text-align:left;padding:8px 8px 6px;white-space:nowrap}
td{padding:7px 8px;border-top:1px solid var(--line);vertical-align:baseline}
th:first-child,td:first-child{padding-left:16px}th:last-child,td:last-child{padding-right:16px}
th.n,td.n{text-align:right;white-space:nowrap}
td.name{font-weight:600;white-space:nowrap}td.wide{min-width:240px;overflow-wrap:anywhere}td.keep{white-space:nowrap}
tr.sum td{font-weight:650;border-top:2px solid var(--line)}
.sev{display:inline-block;min-width:42px;text-align:center;font-size:11px;font-weight:650;line-height:18px;border-radius:5px;color:#fff;padding:0 5px}
.sev.SEV1{background:var(--sev1)}.sev.SEV2{background:#c2500c}.sev.SEV3{background:#8f6a00}.sev.SEV4{background:#5b6d90}
@media(prefers-color-scheme:dark){.sev.SEV1,.sev.SEV2,.sev.SEV3{color:#0c0f14}.sev.SEV2{background:var(--sev2)}.sev.SEV3{background:var(--sev3)}}
.good{color:var(--good)}.bad{color:var(--bad)}.strong{font-weight:600}
.none{padding:16px;color:var(--mute)}
code{font:12px/1.4 ui-monospace,"SF Mono",Menlo,Consolas,"Liberation Mono",monospace}
footer{color:var(--mute);font-size:12px;max-width:78ch}
footer p{margin-top:6px}
@media print{body{max-width:none}.card,.tile{break-inside:avoid;box-shadow:none}}
`
