"""Makes the tables of ``docs/queryset.md`` from what really happens.

``python -m tests.docs.queryset_table --write`` rewrites them; the test compares.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django

if TYPE_CHECKING:
    from .probes import Probe

DOCUMENT = Path(__file__).parents[2] / "docs" / "queryset.md"
SQL, SCAN = "SQL", "opens heads"
NOT_APPLICABLE = "–"
# A limit that no other query has; so a scan can be told from the SQL that it sends.
LIMIT = 4321
_SCAN_MARK = f"LIMIT {LIMIT + 1}"


class WrongAnswerError(AssertionError):
    """A probe answered, and not what it should."""


def outcome(probe: Probe, field: str, in_async: bool = False) -> str:
    """What one call does, on the rows of ``make_rows``.

    Raises:
        WrongAnswerError: it answers wrongly.
    """
    from django.core.exceptions import FieldError
    from django.db import connection, transaction
    from django.test.utils import CaptureQueriesContext

    from django_jazzauth.errors import NotJournalled, ScanRefused

    from .probes import Trial

    with CaptureQueriesContext(connection) as captured:
        try:
            with transaction.atomic():
                answer, right = probe.run(Trial(field, in_async))
                transaction.set_rollback(True)
        except (FieldError, ScanRefused, NotJournalled) as error:
            return f"refuses ({type(error).__name__})"
        except (TypeError, ValueError) as error:
            if error.__class__.__module__ == "builtins" and _is_djangos(error):
                return NOT_APPLICABLE
            raise
    if answer != right:
        raise WrongAnswerError(f"{probe.shown} on {field}: {answer!r} instead of {right!r}")
    scanned = any(_SCAN_MARK in query["sql"] for query in captured.captured_queries)
    return SCAN if scanned else SQL


def _is_djangos(error: BaseException) -> bool:
    """Whether Django itself refused the call, as it would for a plain field."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and "/django/" in trace.tb_frame.f_code.co_filename


def table(
    title: str, probes: Sequence[Probe], fields: Sequence[str], old: dict[str, str], vendor: str
) -> list[str]:
    """The lines of one table.

    Args:
        title: heading of the first column.
        probes: its lines.
        fields: its columns; the others are not applicable.
        old: lines of the present document by their first cell, for what only another database can.
        vendor: the present database.
    """
    from .probes import COLUMNS

    lines = [
        f"| {title} | {' | '.join(COLUMNS.values())} |",
        "|---|" + "---|" * len(COLUMNS),
    ]
    for probe in probes:
        shown = f"{probe.shown} ⁑" if probe.twin else probe.shown
        if probe.vendor not in (None, vendor):
            unknown = f"| {shown} |{' ? |' * len(COLUMNS)}"
            lines.append(old.get(shown, unknown))
            continue
        cells = [outcome(probe, field) if field in fields else NOT_APPLICABLE for field in COLUMNS]
        lines.append(f"| {shown} | {' | '.join(cells)} |")
    return lines


def tables(document: str, vendor: str) -> dict[str, list[str]]:
    """Every table of the document, by its name."""
    from .lookup_probes import EXPRESSIONS, LOOKUPS, OTHER_TYPES
    from .method_probes import METHODS
    from .probes import COLUMNS

    old = {
        line.split(" | ")[0].removeprefix("| "): line
        for line in document.splitlines()
        if line.startswith("| ")
    }
    every = tuple(COLUMNS)
    return {
        "methods": table("Method", METHODS, every, old, vendor),
        "lookups": table("Lookup", LOOKUPS, every, old, vendor),
        "other types": table("Lookup", OTHER_TYPES, ("name",), old, vendor),
        "expressions": table("Expression", EXPRESSIONS, every, old, vendor),
    }


def with_tables(document: str, made: dict[str, list[str]]) -> str:
    """The document with its tables replaced."""
    for name, lines in made.items():
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        before, _, rest = document.partition(begin)
        _, _, after = rest.partition(end)
        if not after:
            raise ValueError(f"{DOCUMENT.name} has no place for the table of {name}.")
        document = "\n".join([f"{before}{begin}", *lines, f"{end}{after}"])
    return document


def settings_for_probes() -> Any:
    """Settings under which a scan shows in its SQL."""
    from django.conf import settings
    from django.test import override_settings

    return override_settings(
        JAZZAUTH={**settings.JAZZAUTH, "SCAN_LIMIT": LIMIT, "ORDER_LIMIT": LIMIT}
    )


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests.docs.queryset_table", description=__doc__)
    parser.add_argument("--write", action="store_true", help="rewrite the document")
    write = parser.parse_args(arguments).write
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    from django.db import connection
    from django.test.utils import setup_test_environment

    from .probes import make_rows

    setup_test_environment(debug=False)
    name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        document = DOCUMENT.read_text()
        make_rows()
        with settings_for_probes():
            made = with_tables(document, tables(document, connection.vendor))
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)
    if made == document:
        print("The tables are as the code behaves.")
        return 0
    if write:
        DOCUMENT.write_text(made)
        print(f"Wrote {DOCUMENT.name}.")
        return 0
    print("The tables differ from what the code does; run again with --write.")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
