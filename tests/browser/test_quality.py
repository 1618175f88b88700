"""The page itself: who may use it and how, what it may load, and how steady it is."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from .conftest import Visit
from .server import ROOT
from .visitor import Visitor

AXE = ROOT / "example_project/frontend/node_modules/axe-core/axe.min.js"
LOOKS = [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)]
_SHIFTS = """() => new Promise(resolve => {
  let sum = 0;
  new PerformanceObserver(list => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) sum += entry.value;
  }).observe({type: "layout-shift", buffered: true});
  setTimeout(() => resolve(sum), 300);
})"""


def violations(visitor: Visitor) -> list[Any]:
    visitor.page.evaluate(f"{AXE.read_text()};0")
    found = visitor.page.evaluate("axe.run().then(report => report.violations)")
    return [(rule["id"], [node["target"] for node in rule["nodes"]]) for rule in found]


def fits(visitor: Visitor) -> bool:
    return bool(visitor.page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@pytest.mark.skipif(
    not AXE.is_file(), reason="needs Node, and `npm ci` in example_project/frontend"
)
@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_everybody_can_use_it(visit: Visit, scheme: str, width: int) -> None:
    """axe-core: names, roles, labels, contrast, order of headings; in every state of the page."""
    visitor = visit(color_scheme=scheme, viewport={"width": width, "height": 900})
    assert violations(visitor) == []
    assert fits(visitor)
    visitor.restore("one two")
    assert violations(visitor) == []
    visitor.make_identity()
    visitor.press("Sign up with the proof")
    assert violations(visitor) == []
    assert fits(visitor)
    visitor.sign_up(f"everybody-{scheme}-{width}@example.org")
    expect(visitor.page.locator("#event-list > li")).to_have_count(1)
    expect(visitor.page.locator("#jwt-checks li")).to_have_count(4)
    assert violations(visitor) == []
    assert fits(visitor)
    visitor.press("Forget it on this device")
    assert violations(visitor) == []
    visitor.picture("dialog")


def test_the_keyboard_is_enough(visitor: Visitor) -> None:
    keyboard, page = visitor.page.keyboard, visitor.page
    keyboard.press("Tab")
    expect(page.get_by_text("To the steps")).to_be_focused()
    keyboard.press("Tab")
    expect(page.get_by_role("button", name="Make an identity")).to_be_focused()
    keyboard.press("Enter")
    expect(page.locator("#identity-heading")).to_be_focused()
    for name in ("Copy the id", "Forget it on this device", "Show the 24 words"):
        keyboard.press("Tab")
        expect(page.get_by_role("button", name=name)).to_be_focused()
    keyboard.press("Enter")
    expect(page.locator("#phrase-words li")).to_have_count(24)
    page.get_by_label("I am new").focus()
    keyboard.press("ArrowRight")
    expect(page.locator("#sign-in")).to_be_visible()
    expect(page.locator("#sign-up")).to_be_hidden()


def test_nothing_jumps_when_it_opens(visitor: Visitor) -> None:
    visitor.make_identity()
    visitor.sign_up("steady@example.org")
    expect(visitor.page.locator("#event-list > li")).to_have_count(1)
    visitor.page.evaluate("scrollTo(0, 0)")
    visitor.page.reload()
    visitor.ready()
    expect(visitor.page.locator("#event-list > li")).to_have_count(1)
    assert visitor.page.evaluate(_SHIFTS) < 0.1, "web.dev calls less than 0.1 good"


def test_only_its_own_files_are_let_in(visitor: Visitor) -> None:
    answer = visitor.page.request.get(visitor.demo.address)
    policy = dict(
        part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; ")
    )
    assert policy["default-src"] == "'none'"
    assert {policy[name] for name in ("script-src", "style-src", "connect-src")} == {"'self'"}
    assert "unsafe" not in answer.headers["content-security-policy"]
    page = answer.text()
    assert "<style" not in page
    assert " style=" not in page
    assert '<script type="module" src=' in page
    assert page.count("<script") == 1
    hosts = {request.url.split("/")[2] for request in visitor.requests}
    assert hosts == {visitor.demo.address.split("/")[2]}


def test_the_admin_is_where_it_was(visitor: Visitor) -> None:
    visitor.page.get_by_role("link", name="Django's admin").click()
    expect(visitor.page).to_have_title("Log in | Django site admin")
    assert visitor.demo.admin.endswith("/admin/")
    assert "/admin/login/?next=" in visitor.page.url
