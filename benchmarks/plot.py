"""The results as a picture: one dot per operation, engine and size, on a scale of ratios."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape

from .comparison import Result
from .report import ENGINE_NAMES, faster

_LABELS = 265
_PANEL = 330
_GAP = 30
_ROW = 24
_TOP = 96
_BOTTOM = 40
# Told apart by people who see colours differently (Okabe and Ito), and by shape.
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7")
_STEPS = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8, 16)


def plot(results: Sequence[Result], caption: str) -> str:
    """An SVG document.

    Args:
        results: of any engines and sizes; operations keep their order.
        caption: what it was measured on.
    """
    return "\n".join(_document(results, caption)) + "\n"


def _document(results: Sequence[Result], caption: str) -> Iterator[str]:
    engines = list(dict.fromkeys(result.engine for result in results))
    sizes = sorted({result.users for result in results})
    # By the largest size, whose database has people enough for every operation.
    by_size = sorted(results, key=lambda result: -result.users)
    titles = list(dict.fromkeys(result.title for result in by_size))
    width = _LABELS + len(engines) * (_PANEL + _GAP)
    height = _TOP + len(titles) * _ROW + _BOTTOM
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="system-ui, sans-serif" font-size="12">'
    )
    yield "<title>django_jazzauth compared with stock Django</title>"
    yield f'<rect width="{width}" height="{height}" fill="#ffffff"/>'
    yield text(16, 26, "Time of an operation compared with stock Django", size=16, weight="bold")
    yield text(16, 44, caption, colour="#555555", size=11)
    for place, users in enumerate(sizes):
        x = 24 + 130 * place
        yield _mark(place, x, 62)
        yield text(x + 10, 66, f"{users:,} users")
    lowest, highest = _bounds(results)
    for column, engine in enumerate(engines):
        left = _LABELS + column * (_PANEL + _GAP)
        mine = [result for result in results if result.engine == engine]
        yield from _panel(engine, mine, titles, sizes, left, (lowest, highest))
    for line, title in enumerate(titles):
        yield text(_LABELS - 12, _TOP + line * _ROW + 16, title, anchor="end")
    yield "</svg>"


def _bounds(results: Sequence[Result]) -> tuple[float, float]:
    ratios = [result.ratio for result in results]
    below = [step for step in _STEPS if step <= min(*ratios, 0.5)]
    above = [step for step in _STEPS if step >= max(*ratios, 2)]
    return below[-1] if below else min(ratios), above[0] if above else max(ratios)


def _panel(
    engine: str,
    results: Sequence[Result],
    titles: Sequence[str],
    sizes: Sequence[int],
    left: int,
    bounds: tuple[float, float],
) -> Iterator[str]:
    low, high = (math.log2(bound) for bound in bounds)

    def across(ratio: float) -> float:
        return left + (math.log2(ratio) - low) / (high - low) * _PANEL

    bottom = _TOP + len(titles) * _ROW
    yield text(across(1), _TOP - 10, ENGINE_NAMES[engine], anchor="middle", weight="bold")
    yield (
        f'<rect x="{left}" y="{_TOP}" width="{across(1) - left:.1f}" height="{bottom - _TOP}" '
        'fill="#eef6ee"/>'
    )
    for step in _STEPS:
        if low <= math.log2(step) <= high:
            x = across(step)
            colour = "#666666" if step == 1 else "#d5d5d5"
            yield f'<path d="M{x:.1f} {_TOP}V{bottom}" stroke="{colour}"/>'
            label = "equal" if step == 1 else f"{max(step, 1 / step):.0f}×"
            yield text(x, bottom + 16, label, anchor="middle", size=11, colour="#555555")
    yield text(left, bottom + 32, "← faster", size=11, colour="#555555")
    yield text(left + _PANEL, bottom + 32, "slower →", size=11, colour="#555555", anchor="end")
    for result in results:
        y = _TOP + titles.index(result.title) * _ROW + 12
        place = sizes.index(result.users)
        about = (
            f"{result.title}, {ENGINE_NAMES[engine]}, {result.users:,} users: "
            f"{result.stock.median:,.0f} µs stock, {result.ours.median:,.0f} µs ours, "
            f"{faster(result.ratio)}"
        )
        shift = (place - (len(sizes) - 1) / 2) * 5
        mark = _mark(place, across(result.ratio), y + shift)
        yield f"<g><title>{escape(about)}</title>{mark}</g>"


def _mark(place: int, x: float, y: float) -> str:
    colour = COLOURS[place % len(COLOURS)]
    if place % 3 == 0:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>'
    if place % 3 == 1:
        return f'<rect x="{x - 3.5:.1f}" y="{y - 3.5:.1f}" width="7" height="7" fill="{colour}"/>'
    return f'<path d="M{x:.1f} {y - 5:.1f}l5 5l-5 5l-5 -5z" fill="{colour}"/>'


def text(
    x: float,
    y: float,
    content: str,
    *,
    anchor: str = "start",
    size: int = 12,
    weight: str = "normal",
    colour: str = "#222222",
) -> str:
    """A line of text in an SVG document."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
        f'font-weight="{weight}" fill="{colour}">{escape(content)}</text>'
    )
