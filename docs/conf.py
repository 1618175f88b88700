"""How the documentation is built: ``make docs``. Nothing of the package is imported."""

from __future__ import annotations

import re
from pathlib import Path

_ROOT = Path(__file__).parent.parent
_VERSION = re.search(
    r'__version__ = "([^"]+)"', (_ROOT / "django_jazzauth" / "__init__.py").read_text()
)

project = "django_jazzauth"
author = "The authors of django_jazzauth"
release = _VERSION[1] if _VERSION else ""

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"django_jazzauth {release}"
html_static_path: list[str] = []
