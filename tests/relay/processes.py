"""Processes beside the test, on its database: relays that can be killed, and others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.db import connection

ROOT = Path(__file__).resolve().parents[2]


def environment(relay: dict[str, Any], **more: str) -> dict[str, str]:
    """Of a process that uses the test's own database."""
    name = str(connection.settings_dict["NAME"])
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.relay.settings",
        "JAZZAUTH_TEST_RELAY": json.dumps(relay),
        "JAZZAUTH_TEST_DB_NAME": name,
        "JAZZAUTH_TEST_SQLITE_FILE": name,
        "PYTHONWARNINGS": "default",
        **more,
    }


def start(env: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    process = start(env, *arguments)
    out, err = process.communicate(timeout=120)
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)
