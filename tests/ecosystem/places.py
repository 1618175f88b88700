"""Where the suite keeps what it downloads, unpacks and writes: var/ecosystem, ignored by git."""

from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
INSIDE = HERE / "inside"

VAR = ROOT / "var" / "ecosystem"
DOWNLOADS = VAR / "downloads"
SITE = VAR / "site"
TREES = VAR / "trees"
RECORDS = VAR / "records"
LOGS = VAR / "logs"
RESULTS = VAR / "results.json"
