"""The results as text: lines in the terminal, ``http.json``, and the page ``http.md``.

The page has one section per kind of run. A run replaces its own section and leaves the others.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ..report import ENGINE_NAMES, markdown_table
from ..sides import POSTGRESQL, ROOT
from .bars import bars
from .endpoints import ADMIN, BY_KEY
from .environment import POSTGRES, REAL
from .page import INTRODUCTION, TEXTS

_WIDTHS = (-26, -16, 6, 5, 10, 10, 10, 9, 9, 9)
_HEADER = ("", "server", "hash", "at", "CPU µs", "database", "per s", "p50 ms", "p99 ms", "MiB")

NAMES = {**ENGINE_NAMES, POSTGRES: ENGINE_NAMES[POSTGRESQL]}
"""Of the database engines, by their keys here."""

Run = dict[str, Any]


def heading() -> str:
    """What stands above the lines."""
    return _columns(_HEADER)


def line(result: Run) -> str:
    """A result as a line in the terminal."""
    return _columns(
        [
            BY_KEY[result["endpoint"]].title,
            result["server"],
            result["hash"] or "",
            str(result["connections"]),
            _number(result["cpu_us"]),
            _number(result["database_cpu_us"] or None),
            _number(result["per_second"]),
            f"{result['p50_ms']:.2f}",
            f"{result['p99_ms']:.2f}",
            f"{result['resident_mib']:.0f}",
        ]
    )


def storm_line(storm: Run) -> str:
    """A storm as a line in the terminal."""
    return (
        f"{storm['server']}: get-session p50 {storm['calm_p50_ms']} ms, p99 "
        f"{storm['calm_p99_ms']} ms in calm; p50 {storm['storm_p50_ms']} ms, p99 "
        f"{storm['storm_p99_ms']} ms during {storm['sign_ins_per_second']} sign-ins per second "
        f"(and {storm['refused_per_second']} refused)"
    )


def write(run: Run, folder: Path, section: str) -> None:
    """Put a run into the results that are in ``folder``, and write the page anew."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "http.json"
    sections: dict[str, Run] = json.loads(path.read_text()) if path.exists() else {}
    sections[section] = run
    sections = dict(sorted(sections.items(), key=lambda item: _place(item[0])))
    path.write_text(json.dumps(sections, indent=1, ensure_ascii=False) + "\n")
    (folder / "http.svg").write_text(bars(_drawn(sections)))
    (folder / "http.md").write_text("\n".join(_page(sections)))
    shown = folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else folder
    print(f"Written: {shown}/http.md, http.json, http.svg (section {section})")


def _place(section: str) -> tuple[int, str]:
    kinds = list(TEXTS)
    kind = section.partition("-")[0]
    return (kinds.index(kind) if kind in kinds else len(kinds), section)


def _drawn(sections: dict[str, Run]) -> list[tuple[str, list[tuple[str, str, float]]]]:
    """For each run its title, and of one connection: endpoint, server, processor time.

    Without the real hash and the admin, beside which nothing else could be seen.
    """
    found = []
    for name, run in sections.items():
        rows = [
            (_title(result), result["server"], _whole(result))
            for result in run.get("results", ())
            if result["connections"] == 1
            and result["cpu_us"]
            and result["hash"] != REAL
            and BY_KEY[result["endpoint"]].group != ADMIN
        ]
        if rows:
            title = TEXTS.get(name.partition("-")[0], (name, ""))[0]
            found.append((f"{title}, {NAMES[run['database']]}, µs per answer", rows))
    return found


def _page(sections: dict[str, Run]) -> Iterator[str]:
    yield INTRODUCTION
    for name, run in sections.items():
        title, text = TEXTS.get(name.partition("-")[0], (name, ""))
        yield f"## {title}, {NAMES[run['database']]}\n"
        if text:
            yield text
        yield _conditions(run)
        if "storm" in run:
            yield markdown_table(_storm_table(run["storm"]))
        elif "memory" in run:
            yield markdown_table(_memory_table(run["memory"]))
        else:
            if len({result["users"] for result in run["results"] if result["users"]}) > 1:
                yield markdown_table(_growth_table(run["results"]))
            else:
                yield from map(markdown_table, _request_tables(run["results"]))


def _conditions(run: Run) -> str:
    machine = run["machine"]
    return (
        f"{run['date']}: {machine['processor']}, {machine['cores']} cores, {machine['Python']}, "
        f"Django {machine['Django']}; {run['server']} with {run['threads']} threads; "
        f"{run['slices']} slices of {run['seconds']} s; load average at the end "
        f"{run['load_average'][0]}.\n"
    )


def _request_tables(results: Sequence[Run]) -> Iterator[Sequence[Sequence[str]]]:
    """Processor times of one connection side by side, then everything."""
    servers = list(dict.fromkeys(result["server"] for result in results))
    alone = [result for result in results if result["connections"] == 1]
    if alone:
        cells = {(_title(one), one["server"]): one for one in alone}
        titles = list(dict.fromkeys(_title(one) for one in alone))
        yield [
            ("CPU µs per answer, one connection", *servers),
            *(
                (title, *(_cpu(cells.get((title, server))) for server in servers))
                for title in titles
            ),
        ]
    yield [
        ("", "server", "connections", "CPU µs", "answers / s", "p50 ms", "p99 ms", "MiB"),
        *(
            (
                _title(one),
                one["server"],
                str(one["connections"]),
                _cpu(one),
                _number(one["per_second"]),
                f"{one['p50_ms']:.2f}",
                f"{one['p99_ms']:.2f}",
                f"{one['resident_mib']:.0f}",
            )
            for one in results
        ),
    ]


def _growth_table(results: Sequence[Run]) -> Sequence[Sequence[str]]:
    sizes = sorted({one["users"] for one in results if one["users"]})
    rows = []
    for title, connections in dict.fromkeys((_title(one), one["connections"]) for one in results):
        by_size = {
            one["users"]: one
            for one in results
            if _title(one) == title and one["connections"] == connections
        }
        if all(size in by_size for size in sizes):
            ratio = _whole(by_size[sizes[-1]]) / _whole(by_size[sizes[0]])
            times = (_cpu(by_size[size]) for size in sizes)
            rows.append((title, str(connections), *times, f"{ratio:.2f}"))
    columns = (f"{size:,} users" for size in sizes)
    return [("CPU µs per answer", "connections", *columns, "largest / smallest"), *rows]


def _storm_table(storms: Iterable[Run]) -> Sequence[Sequence[str]]:
    columns = ("calm_p50_ms", "calm_p99_ms", "storm_p50_ms", "storm_p99_ms")
    return [
        (
            "get-session, ms",
            *("p50 in calm", "p99", "p50 in the storm", "p99", "sign-ins / s", "refused / s"),
        ),
        *(
            (
                storm["server"],
                *(f"{storm[name]:.2f}" for name in columns),
                _number(storm["sign_ins_per_second"]),
                _number(storm["refused_per_second"]),
            )
            for storm in storms
        ),
    ]


def _memory_table(memory: Run) -> Sequence[Sequence[str]]:
    samples = memory["samples"]
    # The first, the last, and some between.
    step = max(1, len(samples) // 8)
    shown = [*samples[:-1:step], samples[-1]]
    return [
        ("answers", "MiB"),
        *((f"{one['answered']:,}", f"{one['resident_mib']:.1f}") for one in shown),
    ]


def _title(result: Run) -> str:
    title = BY_KEY[result["endpoint"]].title
    return f"{title}, {result['hash']} hash" if result["hash"] else title


def _whole(result: Run) -> float:
    return float(result["cpu_us"] + result["database_cpu_us"])


def _cpu(result: Run | None) -> str:
    """Of the server, and what the database server adds."""
    if result is None or result["cpu_us"] is None:
        return "–"
    database = result["database_cpu_us"]
    return _number(result["cpu_us"]) + (f" + {_number(database)}" if database else "")


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _columns(cells: Sequence[str]) -> str:
    return " ".join(
        cell.ljust(-width) if width < 0 else cell.rjust(width)
        for cell, width in zip(cells, _WIDTHS, strict=True)
    ).rstrip()
