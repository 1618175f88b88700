"""``python -m tests.docs [--write]``: compare or renew what the code decides in docs/."""

from __future__ import annotations

import os
import sys

import django


def main(arguments: list[str]) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    from . import generated, queryset_table

    stale = 0
    for page in generated.PARTS:
        text = generated.made(page)
        if text == page.read_text():
            continue
        if "--write" in arguments:
            page.write_text(text)
            print(f"Wrote {page.name}.")
        else:
            stale = 1
            print(f"{page.name} is not as the code; run again with --write.")
    return max(stale, queryset_table.main(arguments))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
