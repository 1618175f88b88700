"""The example project behind a real socket, in a thread of this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

from django.core.servers.basehttp import (
    ThreadedWSGIServer,
    WSGIRequestHandler,
    get_internal_wsgi_application,
)


class _SilentHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Keep the requests of the tour out of its text."""


@contextmanager
def local_server() -> Iterator[str]:
    """Serve on a free port of 127.0.0.1 inside the block; gives the base URL."""
    server = ThreadedWSGIServer(("127.0.0.1", 0), _SilentHandler)
    server.set_app(get_internal_wsgi_application())
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
