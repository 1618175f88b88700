"""The admin's pages about the log, in light and dark."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from .server import ROOT, Demo, environment

PASSWORD = "correct horse battery"
SETUP = """
from django_jazzauth.models import Account, User
from django_jazzauth.store import acting
from django_jazzauth.store.checkpoints import take
root = User.objects.filter(username="{scheme}").first() or User.objects.create_superuser(
    "{scheme}", "{scheme}@example.org", "{password}")
browser = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
with acting(actor=str(root.pk), via="api", ip_address="203.0.113.7", user_agent=browser):
    user = User.objects.create_user("p-{scheme}", "p-{scheme}@example.org", name="Pat Meier")
    user.name = "Pat " + "Fox" * 40
    user.save()
    gone = User.objects.create_user("g-{scheme}", "g-{scheme}@example.org")
    Account.objects.create(user=gone, provider_id="google", account_id="{scheme}")
    print("KEY", user.pk, gone.pk)
    gone.delete()
take()
"""


def prepare(demo: Demo, scheme: str) -> list[str]:
    """Somebody to sign in, a user with a history, a deleted one; returns their keys."""
    ran = subprocess.run(
        [
            *(sys.executable, "manage.py", "shell", "-c"),
            SETUP.format(scheme=scheme, password=PASSWORD),
        ],
        cwd=ROOT,
        env=environment(demo.directory),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return ran.stdout.partition("KEY ")[2].split()


def looks_right(page: Page, name: str) -> None:
    """Nothing is wider than the page; a picture is kept where somebody wants to look."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    narrow = page.evaluate(
        "[...document.querySelectorAll('.jazzauth .short')]"
        ".every(cell => cell.scrollWidth <= cell.clientWidth + 1)"
    )
    assert narrow, "a word is broken"
    folder = os.environ.get("JAZZAUTH_TEST_PICTURES")
    if folder:
        page.screenshot(path=Path(folder) / f"admin-{name}.png", full_page=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_tour_of_the_pages(browser: Browser, demo: Demo, scheme: str) -> None:
    pat, gone = prepare(demo, scheme)
    context = browser.new_context(
        color_scheme=scheme,  # type: ignore[arg-type]
        viewport={"width": 1200, "height": 800},
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(demo.admin)
    page.fill("#id_username", scheme)
    page.fill("#id_password", PASSWORD)
    page.click("input[type=submit]")
    expect(page.locator("#user-tools")).to_contain_text(scheme)
    users = f"{demo.admin}django_jazzauth/user/"
    timeline = page.locator("#jazzauth-timeline")

    page.goto(f"{users}{pat}/history/")
    expect(timeline).not_to_contain_text("Pat")
    looks_right(page, f"history-{scheme}")
    page.get_by_role("button", name="Reveal sealed values").click()
    expect(timeline).to_contain_text("Pat Meier")
    expect(timeline).to_contain_text("203.0.113.7")
    looks_right(page, f"revealed-{scheme}")

    page.goto(users)
    page.get_by_role("link", name="Deleted", exact=True).click()
    expect(page.locator("tr", has_text=gone)).to_be_visible()
    looks_right(page, f"deleted-{scheme}")
    row = page.locator("tr", has_text=gone)
    row.get_by_role("link", name="History and restore").click()
    expect(page.get_by_role("button", name="Restore")).to_be_visible()
    looks_right(page, f"restore-{scheme}")
    page.get_by_role("button", name="Restore").click()
    expect(page.locator(".messagelist")).to_contain_text("is back")

    page.goto(f"{users}{pat}/shred/")
    looks_right(page, f"shred-{scheme}")
    page.fill("#confirmation", f"p-{scheme}@example.org")
    page.get_by_role("button", name="Shred").click()
    expect(page.locator(".messagelist")).to_contain_text("was shredded")

    page.goto(f"{demo.admin}django_jazzauth/epoch/?count")
    expect(page.locator("#jazzauth-workers")).to_contain_text("this process")
    looks_right(page, f"keys-{scheme}")
    page.goto(f"{demo.admin}django_jazzauth/checkpoint/")
    page.get_by_role("button", name="Verify now").click()
    expect(page.locator("#jazzauth-verified")).to_contain_text("Nothing is wrong.")
    looks_right(page, f"integrity-{scheme}")
    assert complaints == []
    context.close()
