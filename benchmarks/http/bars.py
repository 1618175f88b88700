"""The results as a picture: a bar per endpoint and server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from ..plot import COLOURS, text

_LABELS = 230
_WIDTH = 520
_BAR = 11
_GAP = 8

Row = tuple[str, str, float]
"""Endpoint, server, microseconds."""


def bars(panels: Sequence[tuple[str, Sequence[Row]]]) -> str:
    """An SVG document.

    Args:
        panels: title and rows of each.
    """
    lines: list[str] = []
    servers = list(dict.fromkeys(server for _, rows in panels for _, server, _ in rows))
    most = max((value for _, rows in panels for *_, value in rows), default=1.0)
    top = 56
    for title, rows in panels:
        lines.append(text(16, top + 4, title, weight="bold"))
        top += 18
        for endpoint in dict.fromkeys(endpoint for endpoint, *_ in rows):
            mine = [row for row in rows if row[0] == endpoint]
            middle = top + len(mine) * _BAR / 2 + 4
            lines.append(text(_LABELS - 10, middle, endpoint, anchor="end"))
            for row in mine:
                lines += _bar(row, top, most, servers)
                top += _BAR
            top += _GAP
        top += 18
    width = _LABELS + _WIDTH + 80
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {top}" width="{width}" '
        f'height="{top}" font-family="system-ui, sans-serif" font-size="12">',
        "<title>Processor time per answer</title>",
        f'<rect width="{width}" height="{top}" fill="#ffffff"/>',
        text(16, 24, "Processor time per answer, one connection", size=16, weight="bold"),
        *_legend(servers),
    ]
    return "\n".join([*head, *lines, "</svg>"]) + "\n"


def _legend(servers: Sequence[str]) -> Iterator[str]:
    for place, server in enumerate(servers):
        x = _LABELS + 170 * place
        yield f'<rect x="{x}" y="36" width="9" height="9" fill="{_colour(place)}"/>'
        yield text(x + 14, 45, server, size=11)


def _bar(row: Row, top: float, most: float, servers: Sequence[str]) -> Iterator[str]:
    endpoint, server, value = row
    width = max(1.0, value / most * _WIDTH)
    about = escape(f"{endpoint}, {server}: {value:,.0f} µs")
    yield (
        f'<rect x="{_LABELS}" y="{top:.1f}" width="{width:.1f}" height="{_BAR - 2}" '
        f'fill="{_colour(servers.index(server))}"><title>{about}</title></rect>'
    )
    yield text(_LABELS + width + 5, top + _BAR - 2, f"{value:,.0f}", size=10, colour="#555555")


def _colour(place: int) -> str:
    return COLOURS[place % len(COLOURS)]
