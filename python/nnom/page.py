# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The page of `nnom report`: one HTML file without scripts or anything from elsewhere, for light and dark screens."""

from __future__ import annotations

from . import picture
from .conversion import STATE_BYTES
from .graph import Graph
from .planning import Overview, PlannedLayer
from .text import as_html, short

_STYLE = """
:root { --page:#fcfcfd; --ink:#1c2430; --soft:#5b6675; --line:#d9dee5; --panel:#f2f4f7; --odd:#f6f7f9; --rolls:#edf5f3;
  --peak:#fdeceb; --tensor:#8db8ea; --tensor-edge:#2f6db3; --ring:#86cfbd; --ring-edge:#1d7f69; --scratch:#f2c879;
  --scratch-edge:#a5711a; --counters:#c3c9d2; --counters-edge:#6a7482; --words:#10151c; --limit:#c0392b;
  --bound:#6b4fb3; }
@media (prefers-color-scheme: dark) { :root {
  --page:#14181e; --ink:#e4e8ee; --soft:#9aa5b4; --line:#333b46; --panel:#1d232b;
  --odd:#191e25; --rolls:#18252a; --peak:#332023; --tensor:#2c5d94; --tensor-edge:#7fb2ec; --ring:#1f6d5c;
  --ring-edge:#7ad2bd; --scratch:#80591a; --scratch-edge:#efc37a; --counters:#4b5563; --counters-edge:#a7b0bd;
  --words:#f3f6fa; --limit:#ff7b6b; --bound:#b9a2f5; } }
body { margin:0; background:var(--page); color:var(--ink); font:15px/1.5 system-ui,"Segoe UI",Roboto,sans-serif; }
main { max-width:1160px; margin:0 auto; padding:24px 20px 48px; }
h1 { font-size:24px; margin:0 0 4px; overflow-wrap:anywhere; } h2 { font-size:17px; margin:32px 0 8px; }
p { margin:4px 0; color:var(--soft); max-width:75ch; }
.cards { display:grid; grid-template-columns:repeat(auto-fit,minmax(158px,1fr)); gap:10px; margin:18px 0 8px; }
.card { background:var(--panel); border-radius:8px; padding:8px 14px; } .card b { display:block; font-size:20px; }
.card span { color:var(--soft); font-size:13px; }
.wide { overflow-x:auto; } svg { display:block; font-size:11px; }
.legend { display:flex; flex-wrap:wrap; gap:16px; font-size:13px; color:var(--soft); margin:4px 0 8px; }
.legend i { display:inline-block; width:14px; height:11px; border-radius:2px; border:1px solid; margin-right:6px; }
table { border-collapse:collapse; font-size:13px; font-variant-numeric:tabular-nums; width:100%; }
th { text-align:right; font-weight:600; color:var(--soft); border-bottom:1px solid var(--line); white-space:nowrap; }
td { text-align:right; border-bottom:1px solid var(--line); white-space:nowrap; } th,td { padding:3px 8px; }
.l { text-align:left; } td.n { text-align:left; white-space:normal; overflow-wrap:anywhere; min-width:16ch; }
tr.total td { font-weight:600; border-bottom:0; }
.flow { display:flex; flex-wrap:wrap; gap:24px; align-items:flex-start; } .flow table { width:auto; }
text { fill:var(--ink); } .tick,.label { fill:var(--soft); } .name { fill:var(--words); pointer-events:none; }
.column { fill:none; } .odd { fill:var(--odd); } .rolls { fill:var(--rolls); } .peak { fill:var(--peak); }
.peak-text,.limit-text { fill:var(--limit); font-weight:600; } .bound-text { fill:var(--bound); font-weight:600; }
.limit-text,.bound-text { paint-order:stroke; stroke:var(--page); stroke-width:4px; stroke-linejoin:round; }
.grid { stroke:var(--line); stroke-width:1; } .axis { stroke:var(--soft); stroke-width:1; }
.limit { stroke:var(--limit); stroke-width:1.5; }
.bound { stroke:var(--bound); stroke-width:1.5; stroke-dasharray:6 4; }
.box { stroke-width:1; fill-opacity:.82; } g:hover > .box { stroke-width:2.5; }
.tensor { fill:var(--tensor); stroke:var(--tensor-edge); } .ring { fill:var(--ring); stroke:var(--ring-edge); }
.scratch { fill:var(--scratch); stroke:var(--scratch-edge); }
.counters { fill:var(--counters); stroke:var(--counters-edge); }
.curve { fill:none; stroke:var(--tensor-edge); stroke-width:2; } .point { fill:var(--tensor-edge); }
.chosen { fill:var(--limit); }
"""
_LEGEND = {"tensor": "whole tensor", "ring": "ring of rows", "scratch": "working memory", "counters": "row counters"}
_COLUMNS = "#|layer|kind|output|mode|rows kept|bytes kept|address|scratch B|weights B|MACs".split("|")
_LEFT = ("layer", "kind", "mode")


def page(graph: Graph, o: Overview, title: str, note: str = "") -> str:
    """The whole file. title: of the model; note: a sentence more about it."""
    parts = [
        f"<h1>{as_html(title)}</h1>",
        f"<p>{as_html(_sentence(graph, o))}</p>",
        f"<p>{as_html(note[:1].upper() + note[1:]).replace('-&gt;', '→')}.</p>" if note else "",
        _cards(o),
        "<h2>The arena</h2>",
        "<p>To the right: the parts of the plan in the order in which they run, a layer over all its rows or several "
        "layers rolling together. Upwards: addresses. Boxes that lie over each other in one part are layers that work "
        "in place.</p>",
        _legend(),
        f'<div class="wide">{picture.arena(o)}</div>',
        "<h2>RAM against instructions</h2>",
        "<p>Each point is a plan: less RAM to the left. Instructions are the planner's estimate, relative to running "
        "every layer over all its rows.</p>",
        f'<div class="flow"><div class="wide">{picture.curve(o.curve, o.chosen)}</div>{_curve_table(o)}</div>',
        "<h2>Layers</h2>",
        f'<div class="wide">{_layers(o)}</div>',
    ]
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    head += '<meta name="color-scheme" content="light dark">'
    head += f"<title>{as_html(title)}: NNoM report</title><style>{_STYLE}</style>"
    body = "\n".join(parts)
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body><main>\n{body}\n</main></body></html>\n'


def _name(name: str) -> str:
    """A layer's name, short if TFLite fused many into it, whole on hover."""
    brief = short(name, 48)
    return as_html(brief) if brief == name else f'<span title="{as_html(name)}">{as_html(brief)}</span>'


def _sentence(graph: Graph, o: Overview) -> str:
    inputs = ", ".join("x".join(map(str, graph.tensors[name].shape)) for name in graph.inputs)
    fed = ", fed row by row" if o.core.feed else ""
    rolling = sum(n.segment is not None for n in o.layers)
    running = sum(n.row.node is not None for n in o.layers)
    return f"Input {inputs}{fed}; {running} layers, {rolling} of them rolling. RAM is that of a 32-bit core."


def _cards(o: Overview) -> str:
    t = o.core.totals
    cards = [
        (f"{o.chosen.ram:,} B", f"RAM: arena {o.ram_arena:,}, state {STATE_BYTES}"),
        (f"{o.ram_whole:,} B", "RAM with every layer whole"),
        (f"{o.ram_minimum:,} B", "least possible" + (", fed" if o.core.feed else "")),
        (f"{o.chosen.cost - 1:+.2%}", "instructions against whole"),
        (f"{t.macs:,}", "multiply-accumulates"),
        (f"{t.weight_bytes:,} B", "weights and tables, flash"),
    ]
    text = "".join(f'<div class="card"><b>{a}</b><span>{b}</span></div>' for a, b in cards)
    return f'<div class="cards">{text}</div>'


def _legend() -> str:
    swatch = 'style="background:var(--{0});border-color:var(--{0}-edge)"'
    items = "".join(f"<span><i {swatch.format(k)}></i>{text}</span>" for k, text in _LEGEND.items())
    return f'<div class="legend">{items}</div>'


def _curve_table(o: Overview) -> str:
    rows = "".join(
        f"<tr><td>{p.ram:,}</td><td>{p.ram - STATE_BYTES:,}</td><td>{p.cost:.2%}</td>"
        f'<td class="l">{"this plan" if p == o.chosen else ""}</td></tr>'
        for p in o.curve
    )
    return f"<table><tr><th>RAM B</th><th>arena B</th><th>instructions</th><th></th></tr>{rows}</table>"


def _layers(o: Overview) -> str:
    head = "".join(f'<th class="{"l" if c in _LEFT else ""}">{c}</th>' for c in _COLUMNS)
    rows = "".join(_layer(i + 1, n) for i, n in enumerate(o.layers))
    t = o.core.totals
    own = sum(n.row.weight_bytes for n in o.layers)
    if own != t.weight_bytes:  # constants are no layers, arrays that several layers share are stored once
        what = "constants" if own < t.weight_bytes else "shared by layers"
        rows += (
            f'<tr><td></td><td class="n">{what}</td>{"<td></td>" * 7}<td>{t.weight_bytes - own:,}</td><td></td></tr>'
        )
    total = f'<tr class="total"><td></td><td class="l">total</td>{"<td></td>" * 4}<td></td><td></td><td></td>'
    total += f"<td>{t.weight_bytes:,}</td><td>{t.macs:,}</td></tr>"
    return f"<table><tr>{head}</tr>{rows}{total}</table>"


def _layer(number: int, n: PlannedLayer) -> str:
    r = n.row
    mode = "" if r.node is None else "whole" if n.segment is None else f"rolling {n.segment}"
    kept = "all" if n.rows == n.height else f"{n.rows} of {n.height}"
    shape = "x".join(map(str, n.shape))
    return (
        f'<tr><td>{number}</td><td class="n">{_name(n.name)}</td><td class="l">{as_html(n.kind)}</td><td>{shape}</td>'
        f'<td class="l">{mode}</td><td>{kept}</td><td>{n.bytes:,}</td><td>{r.offset & 0x7FFFFFFF:,}</td>'
        f"<td>{r.scratch_bytes:,}</td><td>{r.weight_bytes:,}</td><td>{n.macs:,}</td></tr>"
    )
