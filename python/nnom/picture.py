# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Pictures of a plan as SVG: the arena over the steps of the schedule, and the curve of RAM against instructions.

Colours are CSS classes, defined by the page (page.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from .planning import Overview, PlannedLayer, Point
from .text import as_html, last_operator, visible

_SLOW = 1 << 31  # bit of an offset into the second region
_HEIGHT, _WIDTH = 460, 1060  # of the drawing without its margins
_LEFT, _TOP, _RIGHT = 64, 22, 16
_LABEL = 16  # characters
_CHARACTER = 6.3  # its width in pixels


@dataclass
class Box:
    """Bytes [address, address + size) during columns first to last."""

    kind: str  # "tensor", "ring", "scratch", "counters"
    address: int
    size: int
    first: int
    last: int
    names: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class Column:
    """A part of the plan: a layer that runs whole, or layers that roll together. x, width in pixels."""

    label: str
    weight: float = 1.0
    rolls: bool = False
    x: float = 0.0
    width: float = 0.0


def short_label(o: Overview, n: PlannedLayer) -> str:
    """The layer's name if it is short, else its number in the table and its kind."""
    name = visible(last_operator(n.name))
    return name if len(name) <= _LABEL else f"{o.layers.index(n) + 1} {n.row.kind}"


# ---- What is where, and when ----


def boxes(o: Overview) -> list[Box]:
    """Everything in the arena. What lies at the same place for the same time is one box with several names."""
    found: dict[tuple[str, int, int, int], Box] = {}
    for n in o.layers:
        for box in _boxes_of(o, n):
            known = found.setdefault((box.kind, box.address, box.first, box.last), box)
            if known is not box:
                known.size = max(known.size, box.size)
                known.names += [name for name in box.names if name not in known.names]
                known.notes += box.notes
    return sorted(found.values(), key=lambda b: -b.size)


def _boxes_of(o: Overview, n: PlannedLayer) -> list[Box]:
    r = n.row
    label = short_label(o, n)
    shape = "x".join(map(str, n.shape))
    ring = n.rows < n.height
    rows = f"ring of {n.rows} of {n.height} rows" if ring else "all rows"
    note = f"{visible(n.name)} ({n.kind}), {shape}, {rows}"
    kind = "ring" if ring else "tensor"
    made = [Box(kind, _address(o, r.offset), n.bytes, r.first_step, r.last_step, [label], [note])]
    column = made[0].first
    if r.scratch_bytes and r.node is not None:
        address = _address(o, r.scratch_offset)
        made.append(
            Box(
                "scratch",
                address,
                r.scratch_bytes,
                column,
                column,
                ["scratch"],
                [f"working memory of {visible(n.name)}"],
            )
        )
    if n.segment is not None:
        size = 2 * sum(m.segment == n.segment for m in o.layers)
        note = "rows done, 2 bytes for each rolling layer"
        made.append(Box("counters", _address(o, r.counters), size, column, column, ["counters"], [note]))
    return made


def _address(o: Overview, offset: int) -> int:
    """Both regions in one line: the slow one above the fast one."""
    return offset if offset < _SLOW else offset - _SLOW + o.core.totals.arena_bytes


def columns(o: Overview) -> list[Column]:
    """From before the first part ("input") to after the last one ("output"), placed side by side."""
    parts: dict[int, list[PlannedLayer]] = {}
    for n in o.layers:
        if n.row.node is not None:
            parts.setdefault(n.row.first_step, []).append(n)
    last = max(parts, default=0)
    result = [Column("input")]
    for k in range(1, last + 1):
        result.append(_column(o, parts.get(k, [])))
    result.append(Column("output"))
    scale = max(_WIDTH / sum(c.weight for c in result), 15.0)
    x = float(_LEFT)
    for c in result:
        c.x, c.width = x, c.weight * scale
        x += c.width
    return result


def _column(o: Overview, layers: list[PlannedLayer]) -> Column:
    if len(layers) > 1 or any(n.segment is not None for n in layers):
        return Column(f"rolling {layers[0].segment}: {len(layers)} layers", 3.0 + 0.25 * len(layers), True)
    return Column(short_label(o, layers[0]) if layers else "")


# ---- The arena ----


def arena(o: Overview) -> str:
    """Time to the right, addresses upwards. Tooltips tell the details."""
    t = o.core.totals
    size = max(t.arena_bytes + t.slow_bytes, 1)
    top = size * 1.04
    placed, at = boxes(o), columns(o)
    right = at[-1].x + at[-1].width
    y = lambda address: _TOP + _HEIGHT * (1 - address / top)  # noqa: E731
    turned = max((len(c.label) for c in at if not _has_room(c)), default=0)
    bottom = 24 + turned * _CHARACTER * 0.87
    parts = [_svg_start(right + _RIGHT, _TOP + _HEIGHT + bottom, "The arena over the steps of the schedule")]
    parts += _columns_svg(at, peak_columns(placed, size))
    parts += [_grid_line(address, y(address), right) for address in _ticks(top)]
    parts += [_box_svg(b, at, y) for b in placed if b.size > 0]
    parts += [_box_text(b, at, y) for b in placed if b.size > 0]
    parts += _limits_svg(o, size, y, right)
    parts.append(f'<line class="axis" x1="{_LEFT}" x2="{right:.1f}" y1="{y(0):.1f}" y2="{y(0):.1f}"/></svg>')
    return "\n".join(parts)


def _svg_start(width: float, height: float, text: str) -> str:
    box = f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img" aria-label="{as_html(text)}">'


def _ticks(top: float) -> list[int]:
    """About six round addresses."""
    step = 1
    while top / step > 8:
        step *= 2
    return list(range(0, int(top) + 1, step))


def _grid_line(address: int, y: float, right: float) -> str:
    line = f'<line class="grid" x1="{_LEFT}" x2="{right:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
    return f'{line}<text class="tick" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{address:,}</text>'


def peak_columns(placed: list[Box], size: int) -> set[int]:
    """Columns that use the arena's last bytes; of these, the fullest."""
    highest = {k for b in placed if b.address + (b.size + 3) // 4 * 4 >= size for k in range(b.first, b.last + 1)}
    live = {k: sum(b.size for b in placed if b.first <= k <= b.last) for k in highest}
    return {k for k in highest if live[k] == max(live.values())}


def _has_room(c: Column) -> bool:
    return c.width >= len(c.label) * _CHARACTER + 4


def _columns_svg(at: list[Column], highest: set[int]) -> list[str]:
    """Shading, labels below, and a mark at the peak."""
    parts = []
    for k, c in enumerate(at):
        shade = "column peak" if k in highest else "column rolls" if c.rolls else "column odd" if k % 2 else "column"
        rect = f'<rect class="{shade}" x="{c.x:.1f}" y="{_TOP}" width="{c.width:.1f}" height="{_HEIGHT}"/>'
        parts.append(rect)
        middle, low = c.x + c.width / 2, _TOP + _HEIGHT + 14
        if _has_room(c):
            parts.append(
                f'<text class="label" x="{middle:.1f}" y="{low}" text-anchor="middle">{as_html(c.label)}</text>'
            )
        else:
            turn = f'transform="rotate(-60 {middle + 3:.1f} {low - 4})"'
            text = f'x="{middle + 3:.1f}" y="{low - 4}" text-anchor="end" {turn}'
            parts.append(f'<text class="label" {text}>{as_html(c.label)}</text>')
        if k in highest and k - 1 not in highest:
            parts.append(f'<text class="peak-text" x="{middle:.1f}" y="{_TOP - 8}" text-anchor="middle">▼ peak</text>')
    return parts


def _box_svg(b: Box, at: list[Column], y: Callable[[float], float]) -> str:
    first, last = at[min(b.first, len(at) - 1)], at[min(b.last, len(at) - 1)]
    x, width = first.x + 1, last.x + last.width - first.x - 2
    top, height = y(b.address + b.size), max(y(b.address) - y(b.address + b.size), 1.0)
    tip = [*b.notes[:12], *([f"and {len(b.notes) - 12} more"] if len(b.notes) > 12 else [])]
    tip.append(f"{b.size:,} bytes at {b.address:,} to {b.address + b.size:,}")
    title = f"<title>{as_html(chr(10).join(tip), lines=True)}</title>"
    rect = f'<rect class="box {b.kind}" x="{x:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" rx="2"/>'
    return f"<g>{title}{rect}</g>"


def _box_text(b: Box, at: list[Column], y: Callable[[float], float]) -> str:
    """Name and size, as far as there is room, in the column that makes the box: there no other is written."""
    first, last = at[min(b.first, len(at) - 1)], at[min(b.last, len(at) - 1)]
    name = " + ".join(b.names)
    texts = [f"{name}, {b.size:,} B", name, *([f"{b.names[0]} + {len(b.names) - 1}"] if len(b.names) > 1 else [])]
    height, middle_y = y(b.address) - y(b.address + b.size), y(b.address + b.size / 2)
    for turned, x, width in (
        (False, first.x, first.width),
        (True, first.x, first.width),
        (False, first.x, last.x + last.width - first.x),
    ):
        along, across = (height, width) if turned else (width, height)
        for text in texts:
            if len(text) * _CHARACTER + 6 <= along and across >= 13:
                middle = x + width / 2
                turn = f' transform="rotate(-90 {middle:.1f} {middle_y:.1f})"' if turned else ""
                place = f'text-anchor="middle" x="{middle:.1f}" y="{middle_y + 4:.1f}"{turn}'
                return f'<text class="name" {place}>{as_html(text)}</text>'
    return ""


def _limits_svg(o: Overview, size: int, y: Callable[[float], float], right: float) -> list[str]:
    """The arena's end, and its lower bound."""
    bound = o.core.totals.live_bytes
    texts = [("limit", size, f"arena {size:,} B", "end", right - 4)]
    if bound != size:
        texts.append(("bound", bound, f"lower bound {bound:,} B", "start", _LEFT + 6))
    else:
        texts[0] = ("limit", size, f"arena {size:,} B, its lower bound", "end", right - 4)
    parts = []
    for kind, value, text, anchor, x in texts:
        at = f'x1="{_LEFT}" x2="{right:.1f}" y1="{y(value):.1f}" y2="{y(value):.1f}"'
        parts.append(f'<line class="{kind}" {at}/>')
        parts.append(
            f'<text class="{kind}-text" x="{x:.1f}" y="{y(value) - 4:.1f}" text-anchor="{anchor}">{text}</text>'
        )
    return parts


# ---- The curve ----


def curve(points: list[Point], chosen: Point) -> str:
    """Instructions upwards, RAM to the right; the line shows what each budget buys."""
    width, height, left, top = 520, 200, 64, 16
    low, high = points[-1].ram, points[0].ram
    least, most = points[0].cost, max(points[-1].cost, points[0].cost + 1e-6)
    x = lambda p: left + (width - 90) * (p.ram - low) / max(high - low, 1) + 12  # noqa: E731
    y = lambda p: top + (height - 60) * (most - p.cost) / (most - least) + 6  # noqa: E731
    path = f"M{width - 12:.1f} {y(points[0]):.1f}"
    for p, after in zip(points, [*points[1:], None], strict=True):
        path += f"H{x(p):.1f}" + (f"V{y(after):.1f}" if after else "")
    floor = height - 34
    parts = [_svg_start(width, height, "RAM against instructions")]
    for p in (points[0], points[-1]) if len(points) > 1 else (points[0],):
        parts.append(f'<line class="grid" x1="{left}" x2="{width - 12}" y1="{y(p):.1f}" y2="{y(p):.1f}"/>')
        parts.append(f'<text class="tick" x="{left - 6}" y="{y(p) + 4:.1f}" text-anchor="end">{p.cost:.2%}</text>')
        anchor = "middle" if p.ram == low else "end"
        parts.append(f'<text class="tick" x="{x(p) + 6:.1f}" y="{floor + 16}" text-anchor="{anchor}">{p.ram:,}</text>')
    parts.append(f'<line class="axis" x1="{left}" x2="{width - 12}" y1="{floor}" y2="{floor}"/>')
    parts.append(f'<path class="curve" d="{path}"/>')
    for p in points:
        kind, radius = ("chosen", 6) if p == chosen else ("point", 4)
        title = f"<title>{p.ram:,} bytes, {p.cost:.2%} of the instructions of whole execution</title>"
        parts.append(f'<circle class="{kind}" cx="{x(p):.1f}" cy="{y(p):.1f}" r="{radius}">{title}</circle>')
    parts.append(
        f'<text class="tick" x="{width / 2:.0f}" y="{height - 2}" text-anchor="middle">RAM, bytes</text></svg>'
    )
    return "\n".join(parts)
