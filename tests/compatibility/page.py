"""The tables of ``docs/compatibility.md`` that follow from the transcripts."""

from __future__ import annotations

from .unmatched import UNMATCHED, areas, http_lines, reason


def replayed() -> list[str]:
    """How many lines of each transcript are replayed."""
    lines = ["| Transcript | HTTP lines | Replayed, with the same answer |", "|---|---|---|"]
    all_lines = all_matched = 0
    for name in areas():
        exchanges = list(http_lines(name))
        matched = sum(reason(exchange) is None for exchange in exchanges)
        lines.append(f"| `{name}` | {len(exchanges)} | {matched} |")
        all_lines += len(exchanges)
        all_matched += matched
    return [*lines, f"| all | {all_lines} | {all_matched} |"]


def unmatched() -> list[str]:
    """The lines that are not, each with the reason."""
    lines = ["| Lines | There | Here | Why |", "|---|---|---|---|"]
    for entry in UNMATCHED:
        steps = "; ".join(entry.steps)
        where = f"`{entry.area}.{entry.flow}`: {steps}"
        lines.append(f"| {where} | {entry.there} | {entry.here} | {entry.why} |")
    return lines
