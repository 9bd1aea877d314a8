const DARK = `color-scheme:dark;
--bg:#0c0f14;--card:#141920;--line:#242b36;--soft:#1a2029;--text:#e9edf3;--mute:#9aa6b8;--faint:#8793a6;
--accent:#8aa6ff;--accent-text:#0c0f14;--ok:#4bd08b;--ok-bg:#10291d;--warn:#f0bb4e;--warn-bg:#2c2310;--bad:#ff7b83;--bad-bg:#331418;
--sev1:#ff5d68;--sev2:#ff9252;--sev3:#e8c14a;--sev4:#93abd4;--sev-text:#0c0f14;--gray-bg:#222935;--field:#0f141b;--edge:#5b687d;--shadow:none`

/** The page's whole style. No `style` attribute is used anywhere: the policy forbids them. */
export const STYLE = `
:root{color-scheme:light;
--bg:#f5f6f8;--card:#fff;--line:#e3e6eb;--soft:#f0f2f5;--text:#12161d;--mute:#5c6675;--faint:#687282;
--accent:#3257d6;--accent-text:#fff;--ok:#12784a;--ok-bg:#e2f5ea;--warn:#8a5a00;--warn-bg:#fdf1d7;--bad:#b3202c;--bad-bg:#fde8e9;
--sev1:#c81e2b;--sev2:#c2500c;--sev3:#8f6a00;--sev4:#4c6285;--sev-text:#fff;--gray-bg:#e9ecf1;--field:#fff;--edge:#7d8796;--shadow:0 1px 2px #10182810,0 1px 3px #10182808}
@media(prefers-color-scheme:dark){:root:not([data-theme=light]){${DARK}}}
:root[data-theme=dark]{${DARK}}
*{box-sizing:border-box}
html{font:14px/1.45 ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;background:var(--bg);color:var(--text);-webkit-text-size-adjust:100%}
body{margin:0;overflow-wrap:anywhere}.incident,.alert,.row,li,section{min-width:0}
a{color:var(--accent)}
h1,h2,h3,p,ul{margin:0;padding:0}
code,.mono{font:12px/1.4 ui-monospace,"SF Mono",Menlo,Consolas,"Liberation Mono",monospace}
.num{font-variant-numeric:tabular-nums}
.mute{color:var(--mute)}.small{font-size:12px}
.skip{position:absolute;left:-999px}.skip:focus{left:8px;top:8px;background:var(--card);padding:8px;z-index:9}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:4px}
header{position:sticky;top:0;z-index:2;background:var(--card);border-bottom:1px solid var(--line)}
.bar{max-width:1440px;margin:auto;padding:10px 20px;display:flex;align-items:center;gap:12px}
.bar svg{flex:none}
.bar h1{font-size:16px;font-weight:650;letter-spacing:-.01em}
.bar .name{color:var(--mute);font-weight:450}
.bar .right{margin-left:auto;display:flex;align-items:center;gap:14px;color:var(--mute);font-size:12px;white-space:nowrap}
.live{display:inline-flex;align-items:center;gap:6px}
.dot{width:8px;height:8px;border-radius:50%;background:var(--faint);flex:none;display:inline-block}
.dot.ok{background:var(--ok)}.dot.warn{background:var(--warn)}.dot.bad{background:var(--bad)}
main{max-width:1440px;margin:auto;padding:16px 20px 48px;display:grid;gap:16px}
.banner{border-radius:10px;padding:12px 16px;border:1px solid;display:flex;gap:12px;align-items:flex-start}
.banner svg{flex:none;margin-top:2px}
.banner strong{display:block;font-weight:650}
.banner a{color:inherit}
.banner ul{list-style:none;margin-top:2px}
.banner li{overflow-wrap:anywhere}
.banner.warn{background:var(--warn-bg);border-color:color-mix(in srgb,var(--warn) 35%,transparent);color:var(--warn)}
.banner.bad{background:var(--bad-bg);border-color:color-mix(in srgb,var(--bad) 35%,transparent);color:var(--bad)}
.banner.ok{background:var(--ok-bg);border-color:color-mix(in srgb,var(--ok) 30%,transparent);color:var(--ok)}
.banner li,.banner .more{color:var(--text)}
[hidden]{display:none!important}
.tiles{display:grid;grid-template-columns:repeat(5,1fr);gap:12px}
.tile{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px 14px;box-shadow:var(--shadow);min-width:0}
.tile .label{color:var(--mute);font-size:12px}
.tile .value{font-size:24px;font-weight:650;letter-spacing:-.02em;line-height:1.25;font-variant-numeric:tabular-nums}
.tile .value small{font-size:13px;font-weight:450;color:var(--mute);letter-spacing:0}
.tile .note{font-size:12px;color:var(--mute);white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.tile .bad{color:var(--bad)}.tile .warn{color:var(--warn)}
.cols{display:grid;grid-template-columns:minmax(0,1fr) 372px;gap:16px;align-items:start}
.col{display:grid;gap:16px;min-width:0}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;box-shadow:var(--shadow);overflow:hidden;min-width:0}
.card>h2{font-size:13px;font-weight:650;padding:11px 16px;border-bottom:1px solid var(--line);display:flex;gap:8px;align-items:baseline}
.card>h2 .count{color:var(--mute);font-weight:450}
.card>h2 .end{margin-left:auto;color:var(--mute);font-weight:450;font-size:12px}
.none{padding:20px 16px;color:var(--mute)}
.row{padding:11px 16px;border-top:1px solid var(--line);display:grid;grid-template-columns:minmax(0,1fr);gap:3px}
.row:first-child,h2+.row{border-top:0}
.line{display:flex;gap:8px;align-items:baseline;min-width:0}
.line .grow{flex:1;min-width:0;overflow-wrap:anywhere}
.line .end{margin-left:auto;white-space:nowrap;color:var(--mute);font-size:12px}
.title{font-weight:600}
.facts{display:flex;flex-wrap:wrap;gap:2px 12px;color:var(--mute);font-size:12px}
.facts>span{overflow-wrap:anywhere}
.tag{display:inline-block;font-size:11px;font-weight:600;line-height:18px;padding:0 7px;border-radius:9px;background:var(--gray-bg);color:var(--mute);white-space:nowrap;flex:none}
.tag.ok{background:var(--ok-bg);color:var(--ok)}.tag.warn{background:var(--warn-bg);color:var(--warn)}.tag.bad{background:var(--bad-bg);color:var(--bad)}
.sev{color:var(--sev-text);border-radius:5px;letter-spacing:.02em;min-width:42px;text-align:center}
.SEV1{background:var(--sev1)}.SEV2{background:var(--sev2)}.SEV3{background:var(--sev3)}.SEV4{background:var(--sev4)}
.incident{border-top:1px solid var(--line);border-left:4px solid var(--sev4)}
h2+.incident{border-top:0}
.incident.i1{border-left-color:var(--sev1)}.incident.i2{border-left-color:var(--sev2)}.incident.i3{border-left-color:var(--sev3)}
.incident>.head{padding:11px 16px 9px 12px;background:var(--soft)}
.incident>.head .title{font-size:15px}
.incident .row{padding-left:12px}
.struck .title{text-decoration:line-through;color:var(--mute)}
table{border-collapse:collapse;width:100%;font-size:13px}
th{font-weight:500;font-size:12px;color:var(--mute);text-align:left;padding:8px 8px 6px;white-space:nowrap}
td{padding:7px 8px;border-top:1px solid var(--line);vertical-align:baseline}
th:first-child,td:first-child{padding-left:16px}th:last-child,td:last-child{padding-right:16px}
td.what{overflow-wrap:anywhere}td.nowrap{white-space:nowrap}
td.right,th.right{text-align:right}
tr.gone td.what{color:var(--mute)}tr.gone .title{text-decoration:line-through}
details>summary{cursor:pointer;padding:10px 16px;color:var(--mute);border-top:1px solid var(--line);font-size:12px;list-style:none}
details>summary::before{content:"▸ ";font-size:10px}details[open]>summary::before{content:"▾ "}
summary::-webkit-details-marker{display:none}
.endpoints{list-style:none;display:grid;gap:3px;margin-top:4px}
.endpoints li{display:flex;gap:8px;align-items:baseline;font-size:12px;min-width:0}
.endpoints .url{flex:1;min-width:0;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.spark{display:block;width:100%;height:34px;margin-top:4px}
.spark polyline{fill:none;stroke:var(--accent);stroke-width:1.5;vector-effect:non-scaling-stroke;stroke-linejoin:round}
.spark path{fill:var(--accent);opacity:.12}
footer{max-width:1440px;margin:auto;padding:0 20px 32px;color:var(--mute);font-size:12px;display:flex;flex-wrap:wrap;gap:4px 16px}
@media(max-width:1100px){.cols{grid-template-columns:minmax(0,1fr)}.tiles{grid-template-columns:repeat(3,1fr)}}
@media(max-width:640px){
.bar{padding:9px 12px}main{padding:12px 12px 32px;gap:12px}.col,.cols{gap:12px}.bar .clock{display:none}
.tiles{grid-template-columns:1fr 1fr;gap:8px}.tile{padding:9px 12px}.tile .value{font-size:20px}
.tile.wide{grid-column:1/-1}
.card>h2,.row,.incident>.head{padding-left:12px;padding-right:12px}.incident>.head,.incident .row{padding-left:9px}
table,tbody,tr,td{display:block}thead{display:none}
tr{padding:9px 12px;border-top:1px solid var(--line);display:flex;flex-wrap:wrap;gap:2px 10px;align-items:baseline}
td,td:first-child,td:last-child{padding:0;border:0}td.what{order:-1;flex:1 0 100%}
details>summary,.none{padding-left:12px}}
@media print{header{position:static}.card{break-inside:avoid}}
`
