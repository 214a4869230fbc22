/** How the page looks: system fonts, light and dark, cards instead of a table where it is narrow. */
export const style = `:root{color-scheme:light dark;--bg:#f7f7f5;--card:#fff;--ink:#1b1f24;--soft:#57606a;--line:#dfe1e4;--fill:#f0f1f2;--accent:#0a5bb5;--good:#1a6b3a;--warn:#8a4600;--warnbg:#fff3df;--warnline:#e0a04a;--mono:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
@media (prefers-color-scheme:dark){:root{--bg:#111417;--card:#181c20;--ink:#e6e9ec;--soft:#9ba6b2;--line:#2c3238;--fill:#21262c;--accent:#7db8ff;--good:#7fd3a0;--warn:#ffc675;--warnbg:#2e2416;--warnline:#8a6326}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",Cantarell,"Liberation Sans",sans-serif;font-variant-numeric:tabular-nums}
header,main,footer{max-width:74rem;margin:0 auto;padding:0 1.5rem}
a{color:var(--accent);text-underline-offset:.15em}
code,pre{font-family:var(--mono);font-size:.85em}
h1,h2,p,dl,dd,pre,ul{margin:0}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:4px}
.away,.offscreen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.skip:focus{position:static;width:auto;height:auto;clip-path:none;display:inline-block;padding:.5rem 1.5rem}
.soft{color:var(--soft)}
header{padding-top:2.25rem}
.kind{display:flex;gap:.5rem;align-items:center;color:var(--soft);font-size:.8125rem}
.kind svg{width:1rem;height:1rem;flex:none}
h1{font-size:1.75rem;line-height:1.25;font-weight:650;letter-spacing:-.015em;overflow-wrap:anywhere;margin:.25rem 0 0}
.totals{display:flex;flex-wrap:wrap;gap:.75rem 2.5rem;margin:1.25rem 0 1.75rem}
.totals div{display:flex;flex-direction:column-reverse}
.totals dt{color:var(--soft);font-size:.8125rem}
.totals dd{font-size:1.375rem;font-weight:600;line-height:1.3}
.totals .warn dd,.totals .warn dt{color:var(--warn)}
.panel{background:var(--card);border:1px solid var(--line);border-radius:10px;margin-bottom:2rem}
.panel>*+*{border-top:1px solid var(--line)}
.line{display:flex;flex-wrap:wrap;gap:.25rem 1rem;align-items:center;padding:.75rem 1rem}
.line dt,.label{font-weight:600}
.line code{user-select:all;overflow-wrap:anywhere}
summary{cursor:pointer}
.panel summary{padding:.75rem 1rem;font-weight:600;list-style-position:inside;border-radius:10px}
.panel summary .soft{font-weight:400;margin-left:.375rem}
.inner{padding:0 1rem 1rem}
.inner>p{max-width:44rem;margin-bottom:.625rem}
.inner p code{overflow-wrap:anywhere}
.flag{white-space:nowrap}
.block{position:relative}
pre{background:var(--fill);border-radius:6px;padding:.75rem .875rem;overflow-x:auto;line-height:1.55;white-space:pre;max-height:26rem;tab-size:2}
.block .copy{position:absolute;top:.5rem;right:.5rem}
button{font:inherit;font-size:.8125rem;color:var(--ink);background:var(--card);border:1px solid var(--line);border-radius:6px;padding:.15rem .6rem;cursor:pointer;white-space:nowrap}
button:hover{border-color:var(--soft)}
.copy{min-width:4.25rem}
.bar{display:flex;flex-wrap:wrap;gap:.5rem 1rem;align-items:center;margin-bottom:.75rem}
h2{font-size:1.125rem;font-weight:650}
#count{color:var(--soft)}
.search{display:flex;gap:.5rem;margin-left:auto;flex:0 1 26rem;min-width:0}
.search input{flex:1;min-width:0;font:inherit;color:inherit;background:var(--card);border:1px solid var(--line);border-radius:6px;padding:.375rem .75rem}
.search input::placeholder{color:var(--soft);opacity:1}
.search button{font-size:inherit;padding:.375rem .875rem}
.notice{background:var(--warnbg);border:1px solid var(--warnline);border-radius:8px;padding:.625rem 1rem;margin-bottom:1rem}
.notice.calm{background:var(--card);border-color:var(--line)}
.notice b,.trouble{color:var(--warn)}
.empty{background:var(--card);border:1px dashed var(--line);border-radius:10px;padding:2.5rem 1.5rem;text-align:center}
.empty p+p{margin-top:.5rem;color:var(--soft)}
.empty code{color:var(--ink);overflow-wrap:anywhere}
[hidden]{display:none!important}
table{width:100%;background:var(--card);border:1px solid var(--line);border-radius:10px;border-spacing:0;border-collapse:separate}
thead th{font-size:.8125rem;font-weight:500;color:var(--soft);text-align:left;padding:.5rem .75rem}
tbody th,td{padding:.625rem .75rem;text-align:left;vertical-align:top;border-top:1px solid var(--line);font-weight:400}
.size{text-align:right;white-space:nowrap}
thead .size{text-align:right}
tr>:first-child{padding-left:1rem}
tbody.image{position:relative}
tbody.image tr:first-child>:last-child{padding-right:3rem}
.scripted tbody.image tr:first-child{cursor:pointer}
.scripted tbody.image tr:first-child:hover{background:color-mix(in srgb,var(--fill) 50%,transparent)}
.name{overflow-wrap:anywhere;width:44%}
.name b{font-weight:600}
.name i{font-style:normal;display:inline-block;max-width:100%}
.trouble{display:block;font-size:.8125rem}
.troubled th:first-child{box-shadow:inset 3px 0 var(--warnline)}
.chips{display:flex;flex-wrap:wrap;gap:.25rem}
.chip{font-size:.8125rem;line-height:1.35rem;background:var(--fill);border-radius:4px;padding:0 .4rem;white-space:nowrap;max-width:100%;overflow:hidden;text-overflow:ellipsis}
.chip.absent{background:none;box-shadow:inset 0 0 0 1px var(--line);color:var(--soft);text-decoration:line-through}
.chip.incomplete{background:var(--warnbg);color:var(--warn)}
.sig{white-space:nowrap}
.signed{color:var(--good)}
.also{display:block;font-size:.8125rem;color:var(--soft)}
td code{color:var(--soft);font-size:.8125rem}
.more>td{border:0;padding:0}
.more summary{position:absolute;top:.5rem;right:.625rem;width:1.875rem;height:1.875rem;display:grid;place-items:center;list-style:none;border-radius:6px;color:var(--soft)}
.more summary::-webkit-details-marker{display:none}
.more summary:hover{background:var(--fill);color:var(--ink)}
.more summary::before{content:"";width:.45rem;height:.45rem;border:solid currentColor;border-width:0 1.5px 1.5px 0;rotate:45deg;translate:0 -.1rem}
.more [open]>summary::before{rotate:225deg;translate:0 .1rem}
.detail{display:grid;grid-template-columns:minmax(0,5fr) minmax(0,6fr);gap:1.25rem 2rem;padding:.25rem 1rem 1.125rem}
.detail h3{font-size:.8125rem;font-weight:600;color:var(--soft);margin:0 0 .375rem}
.detail dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.375rem .875rem;align-items:baseline}
.detail dt{color:var(--soft);font-size:.8125rem}
.detail dd{overflow-wrap:anywhere;display:flex;gap:.25rem .75rem;align-items:baseline;min-width:0}
.detail dd code{color:var(--ink);word-break:break-all;user-select:all;flex:1 1 0;min-width:0}
.detail a{word-break:break-all}
.detail ul{list-style:none;padding:0;width:100%}
.detail li{display:flex;justify-content:space-between;gap:1rem;border-bottom:1px solid var(--line);padding:.125rem 0}
.detail li:last-child{border:0}
.pages{display:flex;justify-content:space-between;gap:1rem;padding:1rem 0}
footer{padding-top:2rem;padding-bottom:3rem;color:var(--soft);font-size:.8125rem}
footer nav{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;margin-bottom:.5rem}
@media (max-width:60rem){.digest{display:none}tbody.image tr:first-child>:nth-child(4){padding-right:3rem}}
@media (max-width:46rem){header,main,footer{padding-left:1rem;padding-right:1rem}header{padding-top:1.25rem}h1{font-size:1.375rem}.totals{display:grid;grid-template-columns:repeat(3,auto);justify-content:space-between;gap:.75rem 1rem;margin:1rem 0 1.25rem}.totals:has(.warn){grid-template-columns:1fr 1fr}.totals dd{font-size:1.125rem}.search{flex:1 1 100%;margin:0}
thead{position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden}
table,table tbody,table tr,table th,table td{display:block}
.name{width:auto}
table{background:none;border:0}
tbody.image{background:var(--card);border:1px solid var(--line);border-radius:10px;margin-bottom:.625rem}
tbody.troubled{border-left:3px solid var(--warnline)}
.troubled th:first-child{box-shadow:none}
tbody.image tr:first-child{display:grid;grid-template-columns:auto 1fr;gap:.375rem .875rem;padding:.75rem .875rem;align-items:baseline}
tbody.image tr:first-child>*{border:0;padding:0}
tbody.image tr:first-child>th{grid-column:1/-1;padding-right:2rem}
tbody.image tr:first-child>.platforms{grid-column:1/-1}
.size{text-align:left;font-weight:600}
.sig{white-space:normal}
.sig>span{display:inline-block;white-space:nowrap;margin-right:.5rem}
.detail{grid-template-columns:minmax(0,1fr);padding:0 .875rem .875rem}
.detail dl{grid-template-columns:minmax(0,1fr);gap:.125rem}
.detail dd+dt{margin-top:.5rem}
.detail dd{align-items:start}
.detail dd code{padding:.2rem 0}
input,.search button{min-height:2.75rem}
.more summary{width:2.75rem;height:2.75rem;top:.125rem;right:.125rem}
.copy{padding:.375rem .75rem}}
@media (prefers-reduced-motion:no-preference){.more summary::before{transition:rotate .15s}}
@media print{body{background:#fff;color:#000;font-size:10pt}header,main,footer{max-width:none;padding:0}.search,.copy,.more,.pages,.panel details,footer nav{display:none}.digest{display:table-cell}table,.panel{border-color:#999}tbody{break-inside:avoid}}
@media (forced-colors:active){.chip,pre{border:1px solid}.more summary::before{border-color:ButtonText}}
`;
