"""The scripted engine as a server that can be killed, connections and all, and started again at the same address."""

import socket
import threading
from collections.abc import Callable, Mapping
from typing import Any

import orjson
import uvicorn
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.disconnect import disconnected
from tests.service.api.scripted_engine import Script, engine_app, step_of
from tests.service.api.serving import eventually


class Mortal:
    """``fatal`` says of which requests it dies before it answers; it hears every chat."""

    def __init__(self, fatal: Callable[["Mortal", Mapping[str, Any]], bool] = lambda *_: False) -> None:
        self.script = Script()
        self.url = ""
        self.alive = False
        self._fatal = fatal
        self._port = 0

    def start(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self._port))
        self._port = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        config = uvicorn.Config(self._mortal(engine_app(self.script)), log_config=None, lifespan="off", ws="none")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listener]}, daemon=True)
        self._thread.start()
        eventually(lambda: self._server.started)
        self.alive = True

    def kill(self) -> None:
        """Close the port and every connection, from any thread; `join` waits for the end."""
        self.alive = False
        for server in self._server.servers:
            server.get_loop().call_soon_threadsafe(self._abort)

    def join(self) -> None:
        if self.alive:
            self.kill()
        self._thread.join(timeout=10)

    def _abort(self) -> None:
        self._server.should_exit = self._server.force_exit = True
        for server in self._server.servers:
            server.close()
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()

    def _mortal(self, app: ASGIApp) -> ASGIApp:
        async def mortal(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or scope["method"] != "POST":
                await app(scope, receive, send)
                return
            body = await Request(scope, receive).body()
            if self.alive and self._fatal(self, orjson.loads(body)):
                self.kill()
            given = False

            async def replay() -> Any:
                nonlocal given
                if given:
                    return await receive()
                given = True
                return {"type": "http.request", "body": body, "more_body": False}

            if self.alive:
                await app(scope, replay, send)
            else:
                await disconnected(receive)

        return mortal


def dies_of(step: str) -> Callable[[Mortal, Mapping[str, Any]], bool]:
    """The first engine of several that is asked for this step dies of it."""
    died: list[Mortal] = []

    def fatal(engine: Mortal, body: Mapping[str, Any]) -> bool:
        if died or step_of(body) != step or len(body["messages"]) < 2:
            return False
        died.append(engine)
        return True

    return fatal
