"""A running demo, a browser, and visitors."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from .server import Demo, running_demo
from .visitor import Visitor

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)

# Chromium shares two cores with the other tests.
expect.set_options(timeout=10_000)

Visit = Callable[..., Visitor]


@pytest.fixture(scope="package")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with running_demo(tmp_path_factory.mktemp("demo")) as running:
        yield running


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Headless Chromium of the system: nothing is downloaded."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium: .ci/chromium installs it")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=Path(CHROMIUM))
        yield running
        running.close()


@pytest.fixture
def visit(browser: Browser, demo: Demo) -> Iterator[Visit]:
    """Opens the page for a new visitor: ``visit(color_scheme="dark")``."""
    visitors: list[Visitor] = []

    def begin(**options: Any) -> Visitor:
        visitors.append(Visitor(browser.new_context(**options), demo))
        return visitors[-1]

    yield begin
    for visitor in visitors:
        visitor.leave()


@pytest.fixture
def visitor(visit: Visit) -> Visitor:
    return visit()
