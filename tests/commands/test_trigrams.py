"""``jazzauth trigrams``, and what ``doctor`` says of the index."""

from __future__ import annotations

import json
from typing import Any

from django.contrib.auth import get_user_model

from .conftest import Run


def test_making_the_index_complete(jazzauth: Run, ana: Any, settings: Any) -> None:
    assert "Set JAZZAUTH" in jazzauth("trigrams").out
    settings.JAZZAUTH = {**settings.JAZZAUTH, "TRIGRAM_INDEX": {"user": ("name", "email")}}
    found = json.loads(jazzauth("doctor", "--json").out)["findings"]
    (one,) = [one for one in found if one["subject"] == "log.trigrams"]
    assert one["level"] == "warning"
    ran = jazzauth("trigrams", terminal=True)
    assert ran.out.strip() == "1  user (name, email)"
    assert "user 1 rows" in ran.err
    assert "log.trigrams" not in jazzauth("doctor", "--json").out
    assert get_user_model().objects.get(name__icontains="na fo") == ana
