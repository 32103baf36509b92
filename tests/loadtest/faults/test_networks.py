import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtest.faults.client import End
from loadtest.faults.networks import Hosts, NoNamespaces, hosts
from loadtest.faults.scenario import NetworkFault, Scenario, play
from loadtest.faults.stage import staged
from tests.loadtest.faults.setting import START_SECONDS, impatient


@pytest.fixture
def apart() -> Iterator[Hosts]:
    try:
        with hosts() as made:
            yield made
    except NoNamespaces as why:
        pytest.skip(str(why))


def namespaces() -> str:
    return subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout


def test_nothing_of_a_network_is_left_whatever_happens_inside(apart: Hosts) -> None:
    assert apart.namespace in namespaces()


def test_a_namespace_goes_when_its_block_fails() -> None:
    with pytest.raises((ZeroDivisionError, NoNamespaces)) as caught, hosts():
        raise ZeroDivisionError
    if caught.type is ZeroDivisionError:
        assert f"faults-{os.getpid()}" not in namespaces()


def test_without_root_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(NoNamespaces, match="needs root"), hosts():
        pass


@pytest.mark.slow
@pytest.mark.timeout(START_SECONDS)
async def test_a_network_that_swallows_everything_is_noticed_by_streams_and_by_whole_answers(
    apart: Hosts, tmp_path: Path
) -> None:
    async with staged(impatient(tmp_path), 1, hosts=apart) as stage:
        row = await play(stage, Scenario(NetworkFault.BLACKHOLE, "draft"))
        again = await play(stage, Scenario(NetworkFault.CABLE_CUT, "verdict"))
    assert (row.wrong, again.wrong) == ([], [])
    assert (row.got["stream"].end, row.got["whole"].end) == (End.STREAM_ERROR, End.ERROR)
    assert (again.got["whole"].end, again.got["whole"].outcome) == (End.ANSWER, "degraded")
