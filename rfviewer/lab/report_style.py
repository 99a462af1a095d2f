"""Style sheet and script of the report. Both colour schemes; no network, no outside file."""

from rfviewer.timing import FRAME_STAGES, Stage

_STAGES = dict(
    zip(
        FRAME_STAGES,
        # As the window has them: Okabe and Ito's set, blue and yellow shifted for contrast.
        (
            "#8c939e", "#56b4e9", "#009e73", "#3b82c4", "#e69f00", "#d9c820", "#cc79a7", "#d55e00",
            "#6b5fc7",
        ),
        strict=True,
    )
)  # fmt: skip
_HOST = {Stage.SUBMIT: "#5f6670", Stage.COLLECT: "#a9b0bb"}

_BASE = """
:root { color-scheme: light dark; --bg: #eceef2; --panel: #fff; --text: #1b1f27; --muted: #5b6472;
  --line: #d3d8e0; --grid: #e5e8ee; --accent: #2463d6; --good: #157347; --bad: #c62f2f;
  --noise: #9aa3b2; --idle: #f3d9d9; --idle-line: #c62f2f; }
@media (prefers-color-scheme: dark) { :root { --bg: #16181d; --panel: #1f2229; --text: #e4e7ec;
  --muted: #98a1b0; --line: #2e323b; --grid: #2a2e37; --accent: #5a98ff; --good: #4cc38a;
  --bad: #ff6b64; --noise: #6b7484; --idle: #4a2528; --idle-line: #ff6b64; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--text);
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { max-width: 940px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { font-size: 24px; margin: 0 0 2px; overflow-wrap: anywhere; }
h2 { font-size: 16px; margin: 0 0 10px; }
h3 { font-size: 14px; margin: 14px 0 6px; }
section { background: var(--panel); border: 1px solid var(--line); border-radius: 10px;
  padding: 16px 18px; margin: 16px 0; }
p { margin: 4px 0; } .sub, .hint, .figures { color: var(--muted); font-size: 13px; }
.verdict { font-size: 16px; font-weight: 600; } .bad { color: var(--bad); }
code { font: 13px/1.5 ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
.cards { display: flex; flex-wrap: wrap; gap: 12px; margin-top: 14px; }
.card { flex: 1 1 150px; background: var(--panel); border: 1px solid var(--line);
  border-radius: 10px; padding: 10px 14px; }
.card b { display: block; font-size: 22px; font-variant-numeric: tabular-nums; }
.card span { color: var(--muted); font-size: 13px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { text-align: left; color: var(--muted); font-weight: 500; font-size: 13px; }
th, td { padding: 4px 10px 4px 0; border-bottom: 1px solid var(--grid); }
.n { text-align: right; white-space: nowrap; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 16px; margin: 0; }
dt { color: var(--muted); } dd { margin: 0; overflow-wrap: anywhere; }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--muted); font-size: 12px; font-variant-numeric: tabular-nums; }
svg text.marked { fill: var(--text); }
.grid { stroke: var(--grid); } .mark { stroke: var(--text); stroke-width: 1.5; }
.curve { fill: none; stroke: var(--accent); stroke-width: 1.8; }
.bar { fill: var(--accent); } .saves { fill: var(--good); } .costs { fill: var(--bad); }
.noise { fill: var(--noise); }
.ribbon { display: flex; gap: 10px; margin-top: 6px; }
.lanes { color: var(--muted); font-size: 13px; white-space: nowrap; }
.lanes div { height: 24px; line-height: 24px; }
.view { flex: 1; min-width: 0; cursor: grab; }
.view:active { cursor: grabbing; } .view svg { touch-action: none; }
.st.idle { fill: var(--idle); stroke: var(--idle-line); stroke-width: 1;
  vector-effect: non-scaling-stroke; }
#axis { position: relative; height: 18px; font-size: 12px; color: var(--muted);
  font-variant-numeric: tabular-nums; }
#axis span { position: absolute; transform: translateX(-50%); white-space: nowrap; }
.legend { font-size: 13px; color: var(--muted); }
.key { display: inline-block; width: 11px; height: 11px; border-radius: 3px; margin: 0 5px 0 8px;
  vertical-align: -1px; }
.key.idle { background: var(--idle); border: 1px solid var(--idle-line); }
@media print { body { background: #fff; } section { break-inside: avoid; } }
"""

SCRIPT = """
(() => {
  const svg = document.getElementById("ribbon"), axis = document.getElementById("axis");
  if (!svg) return;
  const length = Number(svg.dataset.length), height = svg.viewBox.baseVal.height;
  let from = 0, wide = length, drag = null;
  const show = () => {
    wide = Math.min(length, Math.max(50, wide));
    from = Math.min(length - wide, Math.max(0, from));
    svg.setAttribute("viewBox", `${from} 0 ${wide} ${height}`);
    const raw = wide / 8, power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map(f => f * power).find(s => s >= raw);
    axis.replaceChildren();
    for (let at = Math.ceil(from / step) * step; at <= from + wide; at += step) {
      const mark = document.createElement("span");
      mark.textContent = (at / 1000).toFixed(step < 1000 ? 2 : 0) + " ms";
      const share = (at - from) / wide;
      if (share > 0.03 && share < 0.97) {
        mark.style.left = 100 * share + "%";
        axis.append(mark);
      }
    }
  };
  const zoom = (factor, share) => {
    const at = from + wide * share;
    wide = Math.min(length, Math.max(50, wide * factor));
    from = at - wide * share;
    show();
  };
  const share = event => {
    const box = svg.getBoundingClientRect();
    return (event.clientX - box.left) / box.width;
  };
  svg.addEventListener("wheel", event => {
    event.preventDefault();
    zoom(event.deltaY > 0 ? 1.25 : 0.8, share(event));
  }, {passive: false});
  svg.addEventListener("pointerdown", event => {
    drag = from + wide * share(event);
    svg.setPointerCapture(event.pointerId);
  });
  svg.addEventListener("pointermove", event => {
    if (drag !== null) { from = drag - wide * share(event); show(); }
  });
  svg.addEventListener("pointerup", () => { drag = null; });
  svg.addEventListener("dblclick", () => { from = 0; wide = length; show(); });
  addEventListener("keydown", event => {
    if (event.key === "+") zoom(0.8, 0.5);
    else if (event.key === "-") zoom(1.25, 0.5);
    else if (event.key === "ArrowLeft") { from -= wide / 10; show(); }
    else if (event.key === "ArrowRight") { from += wide / 10; show(); }
    else return;
    event.preventDefault();
  });
  const few = svg.querySelectorAll("rect").length;
  if (few > 400) { wide = length * 400 / few; from = length - wide; }
  show();
})();
"""


def style_sheet() -> str:
    """Return the whole style sheet, with the colour of each stage."""
    colors = {**_STAGES, **_HOST}
    stages = "".join(
        f".st.{stage} {{ fill: {color}; }} .key.{stage} {{ background: {color}; }}\n"
        for stage, color in colors.items()
    )
    return _BASE + stages
