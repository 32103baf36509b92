"""A network namespace for the gateway, with one cable to its clients and one to its engines that can be cut.

Invariant: leaving the block removes the namespace, and with it both cables, whatever happened inside.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

# Nobody has it: what is sent there is dropped by whoever gets it.
_NOWHERE = "02:00:00:00:00:01"


class NoNamespaces(Exception):
    """This machine or this user cannot make network namespaces; the message says why."""


@dataclass(frozen=True, slots=True)
class Hosts:
    """The gateway's host, as a namespace; the engines' host is this one.

    Addresses are of 198.18.0.0/15, which is set aside for measurements of networks.
    """

    namespace: str
    clients_cable: tuple[str, str]
    engines_cable: tuple[str, str]
    gateway_for_clients: str
    gateway_for_engines: str
    engines: str

    def inside(self, command: Sequence[str]) -> list[str]:
        """The command, to be run on the gateway's host."""
        return ["ip", "netns", "exec", self.namespace, *command]

    def cut(self) -> None:
        """Pull the cable between gateway and engines at the gateway's end."""
        _ip("-n", self.namespace, "link", "set", self.engines_cable[1], "down")

    def blackhole(self) -> None:
        """Have every packet between gateway and engines be lost, both ways, with the cable plugged in."""
        for where, cable, other in (
            (("-n", self.namespace), self.engines_cable[1], self.engines),
            ((), self.engines_cable[0], self.gateway_for_engines),
        ):
            _ip(*where, "neigh", "replace", other, "lladdr", _NOWHERE, "dev", cable, "nud", "permanent")

    def mend(self) -> None:
        """Undo either."""
        for where, cable, other in (
            (("-n", self.namespace), self.engines_cable[1], self.engines),
            ((), self.engines_cable[0], self.gateway_for_engines),
        ):
            subprocess.run(["ip", *where, "neigh", "del", other, "dev", cable], capture_output=True, check=False)
        _ip("-n", self.namespace, "link", "set", self.engines_cable[1], "up")


@contextmanager
def hosts() -> Iterator[Hosts]:
    """The gateway's host while the block runs. Raises ``NoNamespaces``."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        raise NoNamespaces("needs root and iproute2")
    number = os.getpid()
    high, low = number // 256 % 256, number % 256
    made = Hosts(
        f"faults-{number}",
        (f"fc{number}", f"fg{number}"),
        (f"fe{number}", f"fh{number}"),
        f"198.18.{high}.{low}",
        f"198.19.{high}.{low}",
        # The two ends of a cable need not be neighbours in number: each has a route to the other.
        f"198.19.{(high + 128) % 256}.{low}",
    )
    here = f"198.18.{(high + 128) % 256}.{low}"
    _ip("netns", "add", made.namespace)
    try:
        _ip("-n", made.namespace, "link", "set", "lo", "up")
        _plug(made.namespace, made.clients_cable, here, made.gateway_for_clients)
        _plug(made.namespace, made.engines_cable, made.engines, made.gateway_for_engines)
        yield made
    finally:
        subprocess.run(["ip", "netns", "del", made.namespace], capture_output=True, check=False)
        # A cable goes with the namespace that has its other end, but in its own time.
        for cable in (made.clients_cable[0], made.engines_cable[0]):
            subprocess.run(["ip", "link", "del", cable], capture_output=True, check=False)


def _plug(namespace: str, cable: tuple[str, str], here: str, there: str) -> None:
    near, far = cable
    _ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", namespace)
    _ip("addr", "add", here, "peer", there, "dev", near)
    _ip("link", "set", near, "up")
    _ip("-n", namespace, "addr", "add", there, "peer", here, "dev", far)
    _ip("-n", namespace, "link", "set", far, "up")


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoNamespaces(f"ip {' '.join(words)}: {done.stderr.strip()}")
