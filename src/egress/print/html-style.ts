/** How the report looks: as paper where it is printed, light or dark on screens, a list of cards where it is narrow. */
export const reportStyle = `:root{color-scheme:light dark;--bg:#f7f7f5;--card:#fff;--ink:#1b1f24;--soft:#57606a;--line:#dfe1e4;--accent:#0a5bb5;--warnbg:#fff3df;--warnline:#b86e00}
@media (prefers-color-scheme:dark){:root{--bg:#111417;--card:#181c20;--ink:#e6e9ec;--soft:#9ba6b2;--line:#2c3238;--accent:#7db8ff;--warnbg:#2e2416;--warnline:#d9973a}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",sans-serif;overflow-wrap:anywhere}
header,main,footer{max-width:72rem;margin:0 auto;padding:0 1.5rem}
header{padding-top:2rem}
h1{font-size:1.75rem;line-height:1.25;margin:0}
h2{font-size:1.25rem;margin:2.25rem 0 .75rem}
p{margin:.25rem 0}
.soft,caption{color:var(--soft)}
figure .soft{color:#4b545e}
.counts{display:flex;flex-wrap:wrap;gap:.75rem 2.5rem;margin:1.25rem 0}
.counts div{display:flex;flex-direction:column-reverse}
.counts dt{color:var(--soft);font-size:.8125rem}
.counts dd{margin:0;font-size:1.375rem;font-weight:600}
figure{margin:0 0 1.5rem;background:#fff;border:1px solid var(--line);border-radius:10px;padding:.5rem;overflow-x:auto}
figure svg{display:block;margin:0 auto;width:100%;min-width:40rem;max-width:57.5rem;height:auto}
figcaption{font-size:.8125rem;text-align:center}
table{width:100%;border-collapse:collapse;background:var(--card);border:1px solid var(--line);font-size:.875rem}
caption{text-align:left;padding:0 0 .375rem;font-size:.8125rem}
th,td{text-align:left;vertical-align:top;padding:.4rem .6rem;border-top:1px solid var(--line);font-weight:400}
thead th{color:var(--soft);font-size:.8125rem;border-top:0}
code{font-family:ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.8125rem}
table{table-layout:fixed}
.host{width:30%}
.port{width:9%}
.needed{width:20%}
.seen{width:9%}
.known-from{width:16%}
.finding th,.finding td{background:var(--warnbg)}
.finding th:first-child{border-left:4px double var(--warnline)}
.beware{background:var(--warnbg);border-left:4px solid var(--warnline);padding:.625rem 1rem .625rem 2rem;margin:0}
ol,ul{padding-left:1.5rem;margin:0}
li{margin:.25rem 0}
a{color:var(--accent)}
sup{line-height:0}
footer{padding-top:1.5rem;padding-bottom:2.5rem}
@media screen and (max-width:46rem){header,main,footer{padding-left:1rem;padding-right:1rem}thead{position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden}table,tbody,tr,th,td{display:block}tbody tr{border-top:1px solid var(--line);padding:.5rem 0}tbody th,tbody td{border:0;padding:.1rem .75rem}td[data-of]::before{content:attr(data-of) ": ";color:var(--soft)}td:empty{display:none}caption{display:block;padding:.375rem .75rem 0}}
@media print{@page{size:A4;margin:14mm}:root{color-scheme:light;--bg:#fff;--card:#fff;--ink:#000;--soft:#333;--line:#888;--accent:#000;--warnbg:#fff;--warnline:#000}body{font-size:10pt}header,main,footer{max-width:none;padding:0}h2{break-after:avoid}figure{border:0;padding:0;overflow:visible;break-inside:avoid}figure svg{min-width:0;max-width:100%;max-height:250mm;width:100%}thead{display:table-header-group}tr,li{break-inside:avoid}caption{break-after:avoid}table{font-size:8.5pt}th,td{padding:.2rem .3rem}code{font-size:8pt}a{text-decoration:none}}
`;
