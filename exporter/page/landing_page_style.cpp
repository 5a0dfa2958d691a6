#include "page/landing_page_style.h"

namespace tpx::page {

std::string_view landing_page_style() {
  return R"css(
:root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--text:#1b2430;--soft:#5b6878;--line:#e2e6ec;--accent:#1f6feb;
--good:#17703d;--good-bg:#e3f4e9;--warn:#8f5a00;--warn-bg:#fdf1d8;--bad:#b42318;--bad-bg:#fdebe9;--track:#e6eaf0}
@media (prefers-color-scheme:dark){:root{--bg:#0f141a;--card:#171e27;--text:#e4e9ef;--soft:#98a5b5;--line:#28323e;
--accent:#6cb0ff;--good:#5fd08a;--good-bg:#143023;--warn:#f0bd5e;--warn-bg:#33280f;--bad:#ff8f85;--bad-bg:#3a1a18;
--track:#28323e}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--text);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;
-webkit-text-size-adjust:100%}
main,header>div,footer{max-width:1180px;margin:0 auto;padding:0 20px}
a{color:var(--accent);text-decoration:none}a:hover{text-decoration:underline}
a:focus-visible,summary:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:4px}
code,.name{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
header{background:var(--card);border-bottom:1px solid var(--line)}
header>div{display:flex;flex-wrap:wrap;align-items:center;gap:6px 24px;padding-top:16px;padding-bottom:16px}
h1{font-size:20px;margin:0;letter-spacing:-.01em}h1 small{font-weight:400;color:var(--soft);font-size:14px;margin-left:6px}
.host{color:var(--soft);font-size:13px}
nav{margin-left:auto;display:flex;flex-wrap:wrap;gap:4px 16px;font-size:14px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:20px 0}
.tile{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px 16px}
.tile b{display:block;font-size:24px;line-height:1.25;font-weight:600;font-variant-numeric:tabular-nums}
.tile span{color:var(--soft);font-size:13px}.tile.bad b{color:var(--bad)}.tile.warn b{color:var(--warn)}
.note{border:1px solid var(--line);border-left:4px solid var(--bad);background:var(--card);border-radius:8px;
padding:10px 16px;margin:12px 0}.note.warn{border-left-color:var(--warn)}
.note p{margin:2px 0}.note .fix{color:var(--soft)}
h2{font-size:16px;margin:24px 0 8px}
table{width:100%;border-collapse:separate;background:var(--card);border:1px solid var(--line);border-radius:10px;
border-spacing:0;overflow:hidden}
th{font-size:12px;font-weight:600;color:var(--soft);text-align:left;padding:10px 12px;white-space:nowrap;
border-bottom:1px solid var(--line)}
td{padding:12px;border-top:1px solid var(--line);vertical-align:top}tbody tr:first-child td{border-top:0}
.num,th.num{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.name{font-size:14px;font-weight:600;overflow-wrap:anywhere}.from{color:var(--soft);font-size:13px;overflow-wrap:anywhere}
.pill{display:inline-block;border-radius:99px;padding:1px 10px;font-size:12px;font-weight:600;white-space:nowrap}
.up{color:var(--good);background:var(--good-bg)}.full{color:var(--warn);background:var(--warn-bg)}
.down{color:var(--bad);background:var(--bad-bg)}
.spark{display:block;width:120px;height:28px;margin:4px 0 0 auto}
.spark polyline{fill:none;stroke:var(--accent);stroke-width:1.5;vector-effect:non-scaling-stroke;stroke-linejoin:round}
.spark polygon{fill:var(--accent);opacity:.14}
.bar{display:block;width:100%;min-width:96px;height:6px;margin-top:8px}.bar .track{fill:var(--track)}
.bar.ok .fill{fill:var(--accent)}.bar.near .fill{fill:var(--warn)}
.soft{color:var(--soft);font-size:13px}.alert{color:var(--bad);font-weight:600}
details{font-size:13px;color:var(--soft)}summary{cursor:pointer;color:var(--text)}details p{margin:4px 0;max-width:34ch}
footer{color:var(--soft);font-size:13px;padding-top:20px;padding-bottom:32px}
.empty{background:var(--card);border:1px dashed var(--line);border-radius:10px;padding:28px;text-align:center}
@media (max-width:860px){
nav{margin-left:0;width:100%}.tiles{grid-template-columns:repeat(2,1fr)}.tile:last-child:nth-child(odd){grid-column:span 2}
table,tbody,tr,td{display:block}thead{position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden}
table{background:none;border:0;overflow:visible}
tr{background:var(--card);border:1px solid var(--line);border-radius:10px;margin:0 0 12px;padding:10px 14px}
td{border:0;padding:5px 0}td[data-label]{display:flex;justify-content:space-between;gap:16px;text-align:right}
td[data-label]::before{content:attr(data-label);color:var(--soft);font-size:13px;text-align:left;flex:none}
td.num{white-space:normal}.bar{width:150px;margin-left:auto}details{text-align:right}details p{max-width:none}}
)css";
}

}  // namespace tpx::page
