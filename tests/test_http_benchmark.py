"""The parts of the HTTP benchmark that could be wrong without anybody seeing it."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchmarks.http.options import read_options
from benchmarks.http.processes import cpu_time, cpu_times, family, grown, resident
from benchmarks.http.wrk import LoadFailed, Running

needs_wrk = pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@linux
def test_processor_time_of_a_family_is_what_it_spent() -> None:
    burn = "import time\nwhile time.process_time() < 0.3: pass\nprint('ready', flush=True)\ninput()"
    parent = (
        "import subprocess, sys\n"
        f"subprocess.run([sys.executable, '-c', {burn!r}], stdin=sys.stdin, stdout=sys.stdout)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        members = family(process.pid)
        spent = cpu_times(members)
        assert len(members) == 2
        assert all(resident(pid) > 1_000_000 for pid in members)
        assert max(spent.values()) >= 300_000_000
        assert grown({}, spent) == sum(spent.values())
        process.communicate("\n")


def test_a_process_that_has_ended_is_left_out() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert cpu_times([process.pid]) == {}
    with pytest.raises(ProcessLookupError):
        cpu_time(process.pid)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append(body)  # type: ignore[attr-defined]
        answer = json.dumps({"ok": True, "said": body.decode()}).encode()
        self.send_response(429 if body == b"too much" else 200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as made:
        made.seen = []
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def _post(body: str) -> bytes:
    return f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def _load(server, requests, **options):
    address = f"http://127.0.0.1:{server.server_port}"
    return Running(address, requests, connections=4, seconds=30, endless=False, **options)


@needs_wrk
def test_a_list_is_sent_once_and_ends_the_run(server) -> None:
    bodies = [f"number {number}" for number in range(50)]
    with _load(server, map(_post, bodies), expected='"ok": true') as running:
        load = running.wait()
    assert sorted(server.seen) == sorted(body.encode() for body in bodies)
    assert load.answered == 50
    assert load.wrong == 0
    assert 0 < load.p50 <= load.p99


@needs_wrk
@pytest.mark.parametrize(("body", "expected"), [("too much", '"ok"'), ("hello", "goodbye")])
def test_a_wrong_answer_fails_the_run(server, body: str, expected: str) -> None:
    with (
        _load(server, [_post("hello"), _post(body)], expected=expected) as running,
        pytest.raises(LoadFailed, match="wrong"),
    ):
        running.wait()


@needs_wrk
def test_wrong_answers_are_counted_where_they_are_tolerated(server) -> None:
    requests = [_post("hello"), _post("too much"), _post("too much")]
    with _load(server, requests, expected='"ok"') as running:
        assert running.wait(tolerant=True).wrong == 2


def test_a_peer_is_named_with_its_process() -> None:
    options = read_options(["--peer", "other=http://127.0.0.1:3000/auth,pid=12,hash=cheap"])
    (peer,) = options.peers
    assert (peer.name, peer.address, peer.api) == ("other", "http://127.0.0.1:3000", "/auth")
    assert (peer.pid, peer.hashing, peer.origin) == (12, "cheap", "http://127.0.0.1:3000")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--peer", "other"],
        ["--peer", "other=https://example.org"],
        ["--peer", "other=http://127.0.0.1:1,user=root"],
        ["--only", "nothing"],
        ["--sizes", "1"],
        ["--memory", "--sizes", "100,1000"],
    ],
)
def test_what_cannot_be_measured_is_refused(arguments: list[str], capsys) -> None:
    with pytest.raises(SystemExit):
        read_options(arguments)
    assert "error" in capsys.readouterr().err


def test_a_part_does_not_replace_published_results() -> None:
    whole: argparse.Namespace = read_options([])
    part = read_options(["--only", "jwks"])
    assert os.path.basename(whole.out) == "benchmarks"
    assert os.path.basename(part.out) == "results"
