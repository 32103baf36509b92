"""By which names the gateway may be addressed, where nothing but its place on this machine protects it.

Invariant: without keys on loopback, no web page gets in under a name of its own that leads here (DNS rebinding):
its requests would come from "our own" origin, and reads without any origin at all.
"""

import ipaddress
from collections.abc import Set
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from service.errors import HostRefused, error_response
from service.metrics import Metrics
from service.settings import Settings

LOCAL = frozenset({"localhost"})


def is_loopback(host: str) -> bool:
    """Say whether an address can be reached from this machine only; names other than localhost may lead anywhere."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in LOCAL


def known_names(settings: Settings) -> Set[str] | None:
    """The names by which requests may address the gateway, None for any: those set, else localhost where need be."""
    exposed = settings.wants_keys or not is_loopback(settings.host)
    return None if exposed and not settings.hosts else LOCAL | set(settings.hosts)


class Hosts:
    """Middleware: refuses requests that address the gateway by a name which is not among ``names`` (None: any is).

    An address in the place of a name is let in: nobody can make it lead elsewhere. So is a request without a host,
    which no browser sends.
    """

    def __init__(self, app: ASGIApp, names: Set[str] | None, metrics: Metrics) -> None:
        self.app = app
        self.names = names
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self.names is not None and not self._is_known(Headers(scope=scope).get("host")):
            error = HostRefused("this host name is not served here: see the setting hosts")
            self.metrics.refused.labels(error.code).inc()
            await error_response(error)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _is_known(self, host: str | None) -> bool:
        if not host:
            return True
        name = _name_in(host)
        return self.names is None or name in self.names or _is_address(name)


def _name_in(host: str) -> str:
    """The name or address without its port, in lower case and without the root's dot; empty where there is none."""
    try:
        return (urlsplit(f"//{host}").hostname or "").removesuffix(".")
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
