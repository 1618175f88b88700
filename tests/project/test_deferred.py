"""What a worker does without until somebody needs it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from django_jazzauth.deferred import deferred

ANSWERING = """
import sys
from django.core.wsgi import get_wsgi_application
from django.urls import reverse
get_wsgi_application().load_middleware()
reverse("jazzauth:get-session")
print(*{name.partition(".")[0] for name in sys.modules})
"""


def test_a_worker_loads_no_package_that_it_may_never_need() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ANSWERING], check=True, text=True, stdout=subprocess.PIPE
    )
    loaded = set(done.stdout.split())
    assert "rest_framework" in loaded
    assert loaded.isdisjoint({"authlib", "joserfc", "nats", "phonenumbers", "webauthn"})


def test_a_module_is_loaded_by_who_asks_it() -> None:
    colours = deferred("colorsys")
    sys.modules.pop("colorsys", None)
    assert repr(colours) == "<deferred module colorsys>"
    assert "colorsys" not in sys.modules
    assert colours.rgb_to_hsv(0, 0, 0) == (0.0, 0.0, 0)
    assert "colorsys" in sys.modules


def test_one_that_is_not_there() -> None:
    missing = deferred("jazzauth_is_not_installed")
    with pytest.raises(ImportError, match="jazzauth_is_not_installed"):
        print(missing.anything)
    with pytest.raises(AttributeError):
        print(deferred("colorsys").nothing)
