"""Settings of the processes that the tests of the relay start."""

from __future__ import annotations

import json
import os

from tests.settings import *  # noqa: F403
from tests.settings import JAZZAUTH as _JAZZAUTH

JAZZAUTH = {**_JAZZAUTH, "RELAY": json.loads(os.environ["JAZZAUTH_TEST_RELAY"])}
