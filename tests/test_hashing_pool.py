"""The threads that hash passwords, and the bound of those who wait."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.hashers import check_password, make_password

from django_jazzauth.errors import HashingBusy
from django_jazzauth.hashing_pool import HashingPool, Usage, hashing_pool

HASHERS = "django_jazzauth.hashers."


@pytest.fixture
def pool() -> Iterator[HashingPool]:
    made = HashingPool(1, 1)
    yield made
    made.close()


def test_it_runs_some_lets_some_wait_and_refuses_the_rest(
    pool: HashingPool, caplog: pytest.LogCaptureFixture
) -> None:
    begun, end = threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        assert end.wait(30)
        return threading.current_thread().name

    with ThreadPoolExecutor(2) as requests, caplog.at_level(logging.WARNING):
        first = requests.submit(pool.run, slow)
        assert begun.wait(30)
        second = requests.submit(pool.run, lambda: "waited")
        while pool.usage().present < 2:
            assert not second.done()
        for _ in range(3):
            with pytest.raises(HashingBusy):
                pool.run(lambda: "refused")
        with pytest.raises(HashingBusy):
            pool.refuse_if_full()
        assert not second.done()
        end.set()
        assert first.result(30).startswith("jazzauth-hashing")
        assert second.result(30) == "waited"
    assert pool.usage() == Usage(threads=1, queue=1, present=0, refused=4)
    assert pool.run(lambda: "again") == "again"
    assert [record.levelname for record in caplog.records] == ["WARNING"]  # not one each


def test_a_place_is_free_as_soon_as_the_result_is_there() -> None:
    pool = HashingPool(1, 0)
    assert [pool.run(lambda n=n: n) for n in range(200)] == [*range(200)]
    pool.close()


def test_a_failure_is_told_and_frees_the_place(pool: HashingPool) -> None:
    for _ in range(5):
        with pytest.raises(ZeroDivisionError):
            pool.run(lambda: 1 // 0)
    assert pool.usage().present == 0


def test_what_hashes_within_a_hash_does_not_wait_for_itself() -> None:
    pool = HashingPool(1, 0)
    assert pool.run(lambda: pool.run(lambda: "inner")) == "inner"
    assert pool.usage() == Usage(threads=1, queue=0, present=0, refused=0)
    pool.close()


@pytest.mark.skipif(sys.platform != "linux", reason="priorities of threads are Linux's")
def test_the_threads_give_way_and_no_other_does(pool: HashingPool) -> None:
    def priority() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    before = priority()
    assert pool.run(priority) == min(19, before + 5)
    assert priority() == before


def test_a_forked_process_makes_its_own() -> None:
    script = (
        "import os, sys, warnings; warnings.simplefilter('ignore')\n"
        "import django; django.setup()\n"
        "from django_jazzauth.hashing_pool import hashing_pool\n"
        "assert hashing_pool().run(lambda: 1) == 1\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    os._exit(40 + hashing_pool().run(lambda: 2))\n"
        "assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 42\n"
        "assert hashing_pool().run(lambda: 3) == 3\n"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    subprocess.run([sys.executable, "-c", script], env=environment, check=True, timeout=60)


def test_its_size_is_set(settings: Any) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "HASHING": {}}
    pool = hashing_pool()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert (pool.threads, pool.queue) == (max(1, (cores or 1) - 1), 2)
    assert hashing_pool() is pool
    settings.JAZZAUTH = {**settings.JAZZAUTH, "HASHING": {"THREADS": 3, "QUEUE": 0}}
    assert (hashing_pool().threads, hashing_pool().queue) == (3, 0)


@pytest.mark.parametrize(
    "hasher", ["Argon2idPasswordHasher", "PBKDF2PasswordHasher", "BetterAuthScryptHasher"]
)
def test_our_hashers_hash_there(settings: Any, hasher: str) -> None:
    settings.PASSWORD_HASHERS = [HASHERS + hasher]
    settings.JAZZAUTH = {**settings.JAZZAUTH, "HASHING": {"THREADS": 1, "QUEUE": 0}}
    encoded = make_password("correct-horse")
    begun, end = threading.Event(), threading.Event()

    def hold() -> None:
        begun.set()
        assert end.wait(30)

    with ThreadPoolExecutor(1) as requests:
        held = requests.submit(hashing_pool().run, hold)
        assert begun.wait(30)
        with pytest.raises(HashingBusy):
            make_password("correct-horse")
        with pytest.raises(HashingBusy):
            check_password("correct-horse", encoded)
        end.set()
        held.result(30)
    assert check_password("correct-horse", encoded)
    assert not check_password("wrong-horse", encoded)
