#include "page/landing_page_style.h"

namespace tpx::page {

namespace {

constexpr std::string_view kStyle = R"css(
:root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--text:#1b2430;--soft:#5b6878;--line:#e2e6ec;--accent:#1a5fd0;
--good:#17703d;--good-bg:#e3f4e9;--warn:#8f5a00;--warn-bg:#fdf1d8;--bad:#b42318;--bad-bg:#fdebe9;--track:#e6eaf0;--edge:#7d8a99}
@media (prefers-color-scheme:dark){:root{--bg:#0f141a;--card:#171e27;--text:#e4e9ef;--soft:#98a5b5;--line:#28323e;
--accent:#6cb0ff;--good:#5fd08a;--good-bg:#143023;--warn:#f0bd5e;--warn-bg:#33280f;--bad:#ff8f85;--bad-bg:#3a1a18;
--track:#28323e;--edge:#7d8a99}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--text);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;
-webkit-text-size-adjust:100%}
main,header>div,footer{max-width:1180px;margin:0 auto;padding:0 20px}
a{color:var(--accent);text-decoration:none}a:hover,a[aria-current]{text-decoration:underline}
a:focus-visible,summary:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:4px}
code,.name{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
header{background:var(--card);border-bottom:1px solid var(--line)}
header>div{display:flex;flex-wrap:wrap;align-items:center;gap:6px 24px;padding-top:16px;padding-bottom:16px}
h1{font-size:20px;margin:0;letter-spacing:-.01em}h1 small{font-weight:400;color:var(--soft);font-size:14px;margin-left:6px}
.host{color:var(--soft);font-size:13px}
header nav{margin-left:auto}
nav{display:flex;flex-wrap:wrap;gap:4px 16px;font-size:14px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:20px 0}
.tile{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px 16px}
.tile b{display:block;font-size:24px;line-height:1.25;font-weight:600;font-variant-numeric:tabular-nums}
.tile span{color:var(--soft);font-size:13px}.tile.bad b{color:var(--bad)}.tile.warn b{color:var(--warn)}
.health{list-style:none;margin:20px 0;padding:0;background:var(--card);border:1px solid var(--line);border-radius:10px;
overflow:hidden}
.health li{border-left:4px solid var(--bad);border-top:1px solid var(--line);padding:8px 16px;overflow-wrap:anywhere}
.health li:first-child{border-top:0}.health li.warn{border-left-color:var(--warn)}.health li.good{border-left-color:var(--good)}
.health p{margin:2px 0}.bad .mark{color:var(--bad)}.warn .mark{color:var(--warn)}.good .mark{color:var(--good)}
.health details{font-size:inherit}.health details p{max-width:none}
.search{display:flex;flex-wrap:wrap;align-items:center;gap:6px 8px;margin:8px 0 12px}
.search label{font-size:13px;color:var(--soft)}
input,textarea,button{font:inherit;color:var(--text);background:var(--card);border:1px solid var(--edge);border-radius:8px;
padding:6px 10px}
input{flex:1 1 180px;min-width:0;max-width:420px}
textarea{display:block;width:100%;min-height:220px;margin:6px 0 12px;font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
button{cursor:pointer;background:var(--track);font-weight:600}
input:focus-visible,textarea:focus-visible,button:focus-visible,pre:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
nav.jump{margin:0 0 12px;width:auto;gap:6px 8px}
nav.jump a{background:var(--card);border:1px solid var(--line);border-radius:99px;padding:2px 10px;font-size:13px}
nav.jump span,h3 span{color:var(--soft);font-weight:400}
tr.group th{background:var(--bg);border-top:1px solid var(--line);padding:8px 12px;color:var(--text)}
h3{font-size:13px;margin:0}
pre{margin:4px 0 14px;padding:10px 14px;background:var(--card);border:1px solid var(--line);border-radius:8px;overflow-x:auto;
font-size:13px}
pre.copy{user-select:all;-webkit-user-select:all}pre.copy code{overflow-wrap:normal}
.file a{color:var(--soft);display:inline-block;min-width:3.5em;user-select:none;-webkit-user-select:none}
.file span:target,tr:target td{background:var(--warn-bg)}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(240px,1fr));gap:12px 24px;margin:16px 0;padding:14px 16px;
background:var(--card);border:1px solid var(--line);border-radius:10px}
dt{font-size:12px;font-weight:600;color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
.question{margin:10px 0 2px}.title{font-size:20px;overflow-wrap:anywhere}.up-link{margin:16px 0 0}
.names{columns:22em;padding:0;list-style:none;margin:8px 0}.names li{break-inside:avoid;overflow-wrap:anywhere}
td.num>.bar,td.series .bar{min-width:0}
h2{font-size:16px;margin:24px 0 8px}
table{width:100%;border-collapse:separate;background:var(--card);border:1px solid var(--line);border-radius:10px;
border-spacing:0;overflow:hidden}
th{font-size:12px;font-weight:600;color:var(--soft);text-align:left;padding:10px 12px;white-space:nowrap;
border-bottom:1px solid var(--line)}
td{padding:7px 12px;border-top:1px solid var(--line);vertical-align:top}tbody tr:first-child td{border-top:0}
.num,th.num{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.name{font-size:14px;font-weight:600;overflow-wrap:anywhere}.from{color:var(--soft);font-size:13px;overflow-wrap:anywhere}
.pill{display:inline-block;border-radius:99px;padding:1px 10px;font-size:12px;font-weight:600;white-space:nowrap}
.up{color:var(--good);background:var(--good-bg)}.full{color:var(--warn);background:var(--warn-bg)}
.down{color:var(--bad);background:var(--bad-bg)}
.spark{display:inline-block;vertical-align:middle;width:96px;height:22px;margin-left:10px}.rate .now{display:inline-block;min-width:3.2em}
.spark polyline{fill:none;stroke:var(--accent);stroke-width:1.5;vector-effect:non-scaling-stroke;stroke-linejoin:round}
.spark polygon{fill:var(--accent);opacity:.14}
.bar{display:block;width:100%;min-width:96px;height:6px;margin-top:8px}.bar .track{fill:var(--track)}
.bar.ok .fill{fill:var(--accent)}.bar.near .fill{fill:var(--warn)}
.soft{color:var(--soft);font-size:13px}.alert{color:var(--bad);font-weight:600}
details{font-size:13px;color:var(--soft)}summary{cursor:pointer;color:var(--text)}details p{margin:4px 0;max-width:34ch}
footer{color:var(--soft);font-size:13px;padding-top:20px;padding-bottom:32px}
.empty{background:var(--card);border:1px dashed var(--line);border-radius:10px;padding:28px;text-align:center}
.why div{overflow:hidden;display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:2;font-size:13px}
.plain td{padding:6px 12px}.plain td:first-child{overflow-wrap:anywhere}.bars td:nth-child(2){width:70%;vertical-align:middle}
.bars .bar{margin:0}
@media (max-width:860px){
header nav{margin-left:0;width:100%}.tiles{grid-template-columns:repeat(6,1fr);gap:8px;margin:12px 0}
.tile{padding:8px 10px;grid-column:span 2}.tile:nth-child(n+4){grid-column:span 3}.tile b{font-size:17px}.tile span{font-size:12px}
main,header>div,footer{padding-left:12px;padding-right:12px}
table[role],table[role] tbody,table[role] tr,table[role] td,tr.group th{display:block}
thead[role]{position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden}
table[role] tr{display:grid;grid-template-columns:minmax(0,1fr) auto auto;gap:0 8px;padding:6px 12px;border-top:1px solid var(--line)}
table[role] td{border:0;padding:0}
table[role] tr.group{display:block;padding:0}tr.group th{padding:6px 12px;border:0}
table[role] .who{display:contents}.who .name{grid-column:1/3;grid-row:1;font-size:13px}
.who .from{grid-column:1;grid-row:2;font-size:12px;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.rate{grid-column:3;grid-row:1}.rate .now{min-width:0;font-weight:600}.rate .spark{width:0;height:0;display:none}
.series{grid-column:2;grid-row:2;font-size:12px}.series .soft{font-size:12px}.series .bar{display:none}
.state{grid-column:3;grid-row:2;text-align:right}.state .pill{padding:0 8px}
.lost{grid-column:1/4;grid-row:3;text-align:left}.lost.none,.cost{display:none!important}
.lost::before{content:"Lost: ";color:var(--soft);font-size:12px}
.why{grid-column:1/4;grid-row:3}
}
)css";

}  // namespace

std::string_view landing_page_style() {
  return kStyle;
}

}  // namespace tpx::page
