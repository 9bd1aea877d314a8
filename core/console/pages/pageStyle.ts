/** What the pages beyond the overview add to its style: navigation, filters, forms, timelines. */
export const PAGE_STYLE = `
nav.pages{max-width:1440px;margin:auto;padding:0 12px;display:flex;gap:2px;overflow-x:auto;scrollbar-width:none}
nav.pages::-webkit-scrollbar{display:none}
nav.pages a{color:var(--mute);text-decoration:none;padding:7px 9px 9px;white-space:nowrap;border-bottom:2px solid transparent;font-size:13px;display:inline-flex;gap:6px;align-items:center}
nav.pages a:hover{color:var(--text)}nav.pages a[aria-current]{color:var(--text);font-weight:600;border-bottom-color:var(--accent)}
nav.pages a:focus-visible{outline-offset:-2px}
.badge{font-size:11px;line-height:16px;min-width:16px;padding:0 5px;border-radius:8px;background:var(--bad-bg);color:var(--bad);font-weight:650;text-align:center;font-variant-numeric:tabular-nums}
.badge.warn{background:var(--warn-bg);color:var(--warn)}
.bar h1 a{color:inherit;text-decoration:none}
.halted{border-color:var(--bad);border-left-width:4px}.halted .none{padding-bottom:0}.halted .none:last-child{padding-bottom:12px}
.once{padding:12px 16px;margin:0;overflow-wrap:anywhere}.key{font-size:16px;letter-spacing:.04em}.code{font-size:16px;letter-spacing:.12em;font-variant-numeric:tabular-nums;max-width:220px}.codes{columns:2;font-size:14px}fieldset{border:0;padding:0;margin:0}
.bar .who{color:inherit;text-decoration:none;overflow:hidden;text-overflow:ellipsis;max-width:200px}
.icon{font:inherit;font-size:12px;color:var(--mute);background:none;border:1px solid var(--line);border-radius:7px;min-width:28px;height:26px;padding:0 7px;cursor:pointer;display:inline-flex;align-items:center;justify-content:center}
.icon:hover{color:var(--text);border-color:var(--edge)}
.headline{display:flex;flex-wrap:wrap;gap:4px 12px;align-items:baseline}
.headline h2{font-size:19px;font-weight:650;letter-spacing:-.015em;overflow-wrap:anywhere;min-width:0}
.headline .sub{color:var(--mute)}
.headline .end{margin-left:auto;display:flex;gap:8px;align-items:center;flex-wrap:wrap}
.crumbs{color:var(--mute);font-size:12px}.crumbs a{color:inherit}
.btn,button.go{font:inherit;font-weight:600;font-size:13px;line-height:20px;border:1px solid var(--edge);border-radius:8px;padding:5px 12px;color:var(--text);background:var(--card);cursor:pointer;text-decoration:none;display:inline-block;white-space:nowrap}
.btn:hover{border-color:var(--text)}
.btn.main{background:var(--accent);border-color:var(--accent);color:var(--accent-text)}
.btn.yes{background:var(--ok);border-color:var(--ok);color:var(--accent-text)}.btn.no{background:transparent;border-color:var(--bad);color:var(--bad)}
.acts{display:flex;flex-wrap:wrap;gap:8px;padding:12px 16px;align-items:flex-end}
.acts.flush{padding:6px 0 0}.acts form{display:flex;flex-wrap:wrap;gap:8px;align-items:flex-end}
.form{display:grid;gap:12px;padding:14px 16px}
.filters{display:flex;flex-wrap:wrap;gap:8px 10px;align-items:flex-end;padding:12px 16px}
.field{display:grid;gap:3px;font-size:12px;color:var(--mute);min-width:0}
.field.wide{flex:1 1 240px}
input,select,textarea{font:inherit;font-size:13px;color:var(--text);background:var(--field);border:1px solid var(--edge);border-radius:7px;padding:5px 8px;min-width:0;max-width:100%}
input:not([type=checkbox]),select{height:31px}.check{display:inline-flex;gap:6px;align-items:center;align-self:center}.acts+.acts{padding-top:0}.acts>.mute{align-self:center}
textarea{width:100%;resize:vertical;line-height:1.5}
.mono-field{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"Liberation Mono",monospace;font-size:12px}
.facts2{margin:0;display:grid;grid-template-columns:minmax(90px,150px) minmax(0,1fr);gap:6px 16px;padding:12px 16px}
.facts2 dt{color:var(--mute)}.facts2 dd{margin:0;overflow-wrap:anywhere;min-width:0}
.facts2 dd code{overflow-wrap:anywhere}
.copy{font:inherit;border:0;background:none;color:var(--mute);cursor:pointer;padding:0 3px;border-radius:4px;vertical-align:baseline;line-height:1}
.copy:hover{color:var(--accent)}.copy svg{vertical-align:-2px}.copy.done{color:var(--ok)}
main>.answer{max-width:760px}.answer .act{padding:4px 16px 8px}.narrow{max-width:420px}
.nowrap{white-space:nowrap}
.time{list-style:none;margin:0;padding:8px 0}
.time li{display:grid;grid-template-columns:74px 84px minmax(0,1fr);gap:2px 12px;padding:5px 16px;align-items:baseline}
.time li.day{display:block;color:var(--mute);font-size:12px;padding-top:9px}
.time time{color:var(--mute);font-variant-numeric:tabular-nums;font-size:12px}
.time .tag{justify-self:start}
.time .more{display:block;color:var(--mute);font-size:12px;overflow-wrap:anywhere}
.time li.us{background:var(--soft)}
.book{padding:4px 16px 14px;max-width:76ch;overflow-wrap:anywhere}.book h3,.book h4{font-size:14px;margin:14px 0 4px;font-weight:650}.book p,.book ul,.book ol,.book pre{margin:6px 0}
.book ul,.book ol{padding-left:22px}.book li{margin:2px 0}.book table{margin:8px 0}.book td,.book th{white-space:normal}
pre{margin:0;padding:12px 16px;overflow:auto;font:12px/1.5 ui-monospace,"SF Mono",Menlo,Consolas,"Liberation Mono",monospace;max-height:520px}
.book pre{background:var(--soft);border-radius:8px;max-height:300px}
.path{list-style:none;padding:8px 16px 12px;margin:0}.path li{padding:2px 0}
.scroll{overflow-x:auto}
.pager{display:flex;gap:8px;align-items:center;padding:10px 16px;border-top:1px solid var(--line);color:var(--mute);font-size:12px}
.pager .end{margin-left:auto;display:flex;gap:8px}
.notice{border-radius:10px;border:1px solid var(--line);background:var(--card);padding:10px 16px;display:flex;gap:12px;align-items:center;flex-wrap:wrap}
.notice.warn{background:var(--warn-bg);border-color:color-mix(in srgb,var(--warn) 35%,transparent)}
.notice.warn strong{color:var(--warn)}.notice .end{margin-left:auto;display:flex;gap:8px}
.col:empty{display:none}
.half{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:16px;align-items:start}
.big{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:1px;border-top:1px solid var(--line);overflow:hidden}
.big>div{box-shadow:0 0 0 1px var(--line);padding:10px 16px}.big .label{color:var(--mute);font-size:12px}.big .value{font-weight:650;font-size:15px;font-variant-numeric:tabular-nums}.big .note{font-size:12px;color:var(--mute)}
.big .bad{color:var(--bad)}.big .warn{color:var(--warn)}.big .ok{color:var(--ok)}
.waits{margin:0;padding:9px 16px;background:var(--warn-bg);border-top:1px solid var(--line)}.waits a{color:var(--warn);font-weight:600}#waiting{scroll-margin-top:100px}.row>details{margin-top:6px}.row>details summary,.row>details .acts{padding-left:0;border-top:0}.row>details .acts form{flex:0 1 auto}fieldset.field{display:flex;flex-wrap:wrap;gap:6px 14px}fieldset.field legend{padding:0;margin-bottom:4px}
[data-fold]>summary{border-top:0}
.lead{margin:0;padding:0 16px 13px;max-width:84ch;overflow-wrap:anywhere}.acts .aside{margin-left:auto;display:flex;gap:8px;flex-wrap:wrap}.big .value{overflow-wrap:anywhere}
.graph{padding:8px 16px 14px;display:grid;gap:4px}.graph .lane{display:flex;gap:6px 10px;flex-wrap:wrap;align-items:baseline}
.week{display:grid;grid-template-columns:repeat(7,minmax(0,1fr));gap:1px;background:var(--line);border-top:1px solid var(--line)}
.week>div{background:var(--card);padding:6px 8px;min-height:58px;font-size:12px;min-width:0}.week .today{background:var(--soft)}
.week .day{color:var(--mute);font-variant-numeric:tabular-nums}.week .duty{display:block;font-weight:600;overflow-wrap:anywhere}
.week .hd{min-height:0;color:var(--mute)}
dialog{border:1px solid var(--line);border-radius:12px;background:var(--card);color:var(--text);padding:0;max-width:440px;width:calc(100% - 32px);box-shadow:0 12px 40px #00000040}
dialog::backdrop{background:#00000066}dialog h2{font-size:15px;padding:14px 18px 6px}dialog .keys{display:grid;grid-template-columns:84px 1fr;gap:6px 14px;padding:4px 18px 10px;margin:0}dialog .keys dt,dialog .keys dd{margin:0}
dialog form{padding:4px 18px 16px;text-align:right}
kbd{font:11px ui-monospace,Menlo,Consolas,monospace;border:1px solid var(--line);border-bottom-width:2px;border-radius:5px;padding:1px 6px;background:var(--soft)}
.btn kbd{color:inherit;background:none;border-color:currentColor}
td a,.title a{color:inherit;text-decoration-color:color-mix(in srgb,currentColor 35%,transparent);text-underline-offset:3px}td a:hover,.title a:hover{color:var(--accent)}
.ribbon{border-left:4px solid var(--sev4)}.ribbon.i1{border-left-color:var(--sev1)}.ribbon.i2{border-left-color:var(--sev2)}.ribbon.i3{border-left-color:var(--sev3)}.pad{padding:13px 16px 11px}
[data-row]:focus-within{background:var(--soft)}
@media(min-width:641px){[data-fold]>summary{display:none}}
@media(max-width:900px){.half{grid-template-columns:minmax(0,1fr)}}
@media(max-width:640px){nav.pages{padding:0 4px}nav.pages a{padding:11px 10px 13px}.bar .env,.bar .help,.bar .right form{display:none}.bar h1{white-space:nowrap;overflow:hidden;text-overflow:ellipsis;min-width:0}.bar .who{max-width:110px}.bar .icon{min-width:40px;height:36px}.lead{padding:0 16px 12px;font-size:15px}.row>details .acts form{flex:1 1 auto}
.btn{padding:10px 16px;font-size:14px}.acts .aside{margin-left:0;width:100%}.acts form:has(>.btn.main),.acts form:has(>.btn.yes){flex:1 1 100%}.acts .btn.main,.acts .btn.yes{width:100%;padding:13px 16px;font-size:15px}.acts form:has(>.btn.no){flex:1 1 100%}.acts form>.btn.no{width:100%}.big{grid-template-columns:1fr 1fr}.big>div{padding:9px 12px}.big>div:last-child:nth-child(odd){grid-column:1/-1}.headline .end{margin-left:0}.facts2{grid-template-columns:minmax(0,1fr);gap:0;padding:10px 12px}.facts2 dd{margin-bottom:8px}
.time li{grid-template-columns:66px minmax(0,1fr);padding:5px 12px}.time li>span:last-child{grid-column:1/-1}
.acts,.filters,.form,pre,.pager,.notice,.graph,.path,.book{padding-left:12px;padding-right:12px}.filters .field{flex:1 1 40%}.acts .field.wide{flex-basis:100%}.filters .field.wide{flex-basis:100%}input:not([type=checkbox]),select,textarea{font-size:16px;width:100%}input:not([type=checkbox]),select{height:38px}
.scroll table{display:table}.scroll thead{display:table-header-group}.scroll tbody{display:table-row-group}.scroll tr{display:table-row}.scroll td{display:table-cell;padding:6px 8px;border-top:1px solid var(--line)}
.week{grid-template-columns:minmax(0,1fr)}.week .hd,.week .past{display:none}.week>div{min-height:0;display:flex;gap:10px}}
@media print{nav.pages,.acts,.filters,.icon,.copy,footer{display:none}.card{box-shadow:none}}
`
