"""An S3 service with faults: moto behind a server that handles one request at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

Answer = Iterable[bytes]
Application = Callable[[dict[str, Any], Callable[..., Any]], Answer]
Fault = Callable[["Request"], Answer | None]


class Request:
    """A request that is not answered yet.

    Attributes:
        method: HTTP method.
        path: /bucket/name of the object.
    """

    def __init__(self, application: Application, environ: dict[str, Any], start: Any) -> None:
        self.method: str = environ["REQUEST_METHOD"]
        self.path: str = environ["PATH_INFO"]
        self.environ = environ
        self._application = application
        self._start = start

    def answer(self) -> Answer:
        """Perform the request and answer it."""
        return self._application(self.environ, self._start)

    def do(self) -> None:
        """Perform the request and lose the answer."""
        b"".join(self._application(self.environ, lambda *_: None))

    def drop(self) -> Answer:
        """Close the connection without an answer, like a timeout."""
        raise ConnectionAbortedError

    def fail(self, status: str) -> Answer:
        """Answer with an error."""
        self._start(status, [("Content-Length", "0")])
        return ()

    def unconditionally(self) -> Answer:
        """Perform the request without its condition."""
        self.environ.pop("HTTP_IF_NONE_MATCH", None)
        return self.answer()


class Service:
    """A server that handles one request at a time: moto checks conditions without a lock.

    Attributes:
        fault: function that answers a request, or returns None for the usual answer.
    """

    def __init__(self) -> None:
        from moto.moto_server.werkzeug_app import (
            DomainDispatcherApplication,
            create_backend_app,
        )

        self._application: Application = DomainDispatcherApplication(create_backend_app)
        self._server: BaseWSGIServer = make_server(
            "127.0.0.1", 0, self._handle, request_handler=_Quiet
        )
        self.fault: Fault | None = None
        self.requests: list[str] = []
        self.url = f"http://127.0.0.1:{self._server.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def close(self) -> None:
        """Stop the server."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handle(self, environ: dict[str, Any], start: Any) -> Answer:
        request = Request(self._application, environ, start)
        self.requests.append(f"{request.method} {request.path}")
        answer = self.fault(request) if self.fault is not None else None
        return request.answer() if answer is None else answer


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        pass
