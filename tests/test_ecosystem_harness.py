"""The ecosystem suite's own parts that need no download: comparing, the skip list, the edits."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ecosystem.comparing import Skip, SkipListError, compare, read_skips
from tests.ecosystem.fetch import read_pins
from tests.ecosystem.patches.editing import EditError, replace
from tests.ecosystem.report import details, table
from tests.ecosystem.running import Outcome, Run
from tests.ecosystem.suites import SUITES


def _run(**outcomes: str) -> Run:
    tests = {name: Outcome(outcome, "why") for name, outcome in outcomes.items()}
    return Run(tests, 1.0, 0, Path("log"))


def _compare(stock: Run, ours: Run, *skips: Skip, whole: bool = True):
    return compare("auth", "sqlite", stock, ours, list(skips), whole=whole)


@pytest.mark.parametrize(
    ("stock", "ours", "worse"),
    [
        ("passed", "passed", False),
        ("passed", "failed", True),
        ("passed", "skipped", True),
        ("skipped", "failed", True),
        ("skipped", "passed", False),
        ("failed", "failed", False),
        ("failed", "passed", False),
        ("expected failure", "unexpected success", True),
    ],
)
def test_what_counts_as_a_difference(stock: str, ours: str, worse: bool) -> None:
    found = _compare(_run(a=stock), _run(a=ours))
    assert bool(found.differences) is worse
    assert found.acceptable is not worse


def test_a_test_that_no_longer_runs_is_a_difference() -> None:
    found = _compare(_run(a="passed", b="passed"), _run(a="passed"))
    assert [difference.test for difference in found.unexplained] == ["b"]


def test_a_run_without_tests_is_never_acceptable() -> None:
    found = _compare(_run(), _run())
    assert not found.acceptable
    assert "gave no tests" in "\n".join(details(found))


def test_an_entry_explains_a_difference_only_where_it_holds() -> None:
    stock, ours = _run(a="passed"), _run(a="failed")
    assert _compare(stock, ours, Skip("auth", "*", "a", "because")).acceptable
    assert not _compare(stock, ours, Skip("auth", "postgres", "a", "because")).acceptable
    assert not _compare(stock, ours, Skip("drf", "*", "a", "because")).acceptable


def test_an_entry_that_explains_nothing_has_to_go() -> None:
    run = _run(a="passed")
    stale = Skip("auth", "*", "a", "because")
    assert _compare(run, run, stale).unneeded == [stale]
    assert _compare(run, run, stale, whole=False).acceptable
    assert _compare(run, run, Skip("auth", "*", "a", "because", by_chance=True)).acceptable


def test_the_table_names_suite_and_database() -> None:
    text = table([_compare(_run(a="passed"), _run(a="failed"))])
    assert text.splitlines()[2].split()[:3] == ["auth", "sqlite", "1"]


def test_a_skip_needs_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "skips.toml"
    path.write_text('[[skip]]\nsuite = "auth"\ndatabase = "*"\ntest = "a"\nreason = " "\n')
    with pytest.raises(SkipListError, match="no reason"):
        read_skips(path)
    path.write_text('[[skip]]\nsuite = "auth"\n')
    with pytest.raises(SkipListError):
        read_skips(path)


def test_an_edit_must_find_what_it_expects(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text("a = 1\n")
    replace(path, "1", "2")
    assert path.read_text() == "a = 2\n"
    with pytest.raises(EditError, match="found 0 times"):
        replace(path, "1", "2")


def test_the_files_that_are_kept_here_fit_together() -> None:
    pins = read_pins()
    assert {name for suite in SUITES.values() for name in suite.distributions} == set(pins)
    assert {skip.suite for skip in read_skips()} <= {"*", *SUITES}
