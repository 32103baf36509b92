import random
from collections import Counter
from itertools import pairwise
from pathlib import Path
from statistics import mean, variance

import pytest

from loadtest.profile import ProfileError
from loadtest.run.arrivals import offsets, read_trace
from loadtest.run.profile import Burst, Constant, Poisson, Trace


def gaps(found: list[float]) -> list[float]:
    return [after - before for before, after in pairwise(found)]


def test_constant_arrivals_are_even() -> None:
    assert offsets(Constant(type="constant", load=2.0), 2.0, 1.0, random.Random(0)) == [0.0, 0.25, 0.5, 0.75]


def test_poisson_arrivals_have_the_rate_and_the_spread_of_an_exponential() -> None:
    found = offsets(Poisson(type="poisson", load=0.5), 20.0, 1000.0, random.Random(5))
    assert len(found) == pytest.approx(10_000, rel=0.03)
    assert mean(gaps(found)) == pytest.approx(0.1, rel=0.03)
    assert variance(gaps(found)) == pytest.approx(0.01, rel=0.08)
    in_seconds = Counter(int(offset) for offset in found)
    counts = [in_seconds[second] for second in range(1000)]
    assert variance(counts) / mean(counts) == pytest.approx(1.0, abs=0.15)
    assert found == sorted(found)
    assert 0 < found[0] < found[-1] < 1000.0


def test_bursts_come_together_and_keep_the_rate() -> None:
    found = offsets(Burst(type="burst", size=8), 20.0, 2000.0, random.Random(6))
    assert len(found) == pytest.approx(40_000, rel=0.05)
    assert set(Counter(found).values()) == {8}


def test_the_seed_decides() -> None:
    kind = Poisson(type="poisson")
    assert offsets(kind, 5.0, 10.0, random.Random(1)) == offsets(kind, 5.0, 10.0, random.Random(1))
    assert offsets(kind, 5.0, 10.0, random.Random(1)) != offsets(kind, 5.0, 10.0, random.Random(2))


def test_a_trace_is_replayed_at_its_speed(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_text('{"offset_seconds": 3}\n{"offset_seconds": 0.5, "more": 1}\n{"offset_seconds": 8}\n')
    kind = Trace(type="trace", path=path, speed=2.0)
    assert offsets(kind, 99.0, 4.0, random.Random(0)) == [0.25, 1.5]


@pytest.mark.parametrize("line", ["", "nonsense", "{}", '{"offset_seconds": -1}', '{"offset_seconds": null}', "3"])
def test_a_faulty_trace_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_text(f"{line}\n" if line else "")
    with pytest.raises(ProfileError, match=r"trace\.jsonl"):
        read_trace(path)
