import tomllib
from pathlib import Path

import pytest

from loadtest.profile import ProfileError
from loadtest.run.plan import plan
from loadtest.run.profile import LOAD_PROFILES, LoadProfile, load_profile
from tests.loadtest.run.rows import QUESTIONS

PROFILE = """
description = "d"
rate = 1.0
slo = { e2e_seconds = 1.0 }
[[stages]]
name = "one"
seconds = 10.0
arrivals = { type = "poisson" }
[[mix]]
kind = "accepted"
"""


@pytest.mark.parametrize("path", sorted(LOAD_PROFILES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_profile_that_comes_along_can_be_read_and_planned(path: Path) -> None:
    profile = load_profile(path.stem)
    assert profile == load_profile(str(path))
    planned = plan(profile.changed(rate=None, seconds=60.0), 1, QUESTIONS)
    assert planned


@pytest.mark.parametrize(
    ("name", "seconds"), [("soak", 1800.0), ("overload", 240.0), ("cancellations", 120.0), ("replay", 60.0)]
)
def test_the_profiles_that_operators_are_told_of(name: str, seconds: float) -> None:
    assert load_profile(name).seconds == seconds


def test_the_soak_is_at_four_fifths_and_the_overload_at_five_times_the_rate() -> None:
    soak, overload = load_profile("soak"), load_profile("overload")
    assert [stage.arrivals.load for stage in soak.stages if stage.arrivals.type == "poisson"] == [0.8]
    loads = {stage.name: (stage.seconds, getattr(stage.arrivals, "load", None)) for stage in overload.stages}
    assert loads["overload"] == (120.0, 5.0)


def test_stages_are_shortened_alike_and_the_rate_is_replaced() -> None:
    changed = load_profile("overload").changed(rate=3.0, seconds=24.0)
    assert ([stage.seconds for stage in changed.stages], changed.rate) == ([6.0, 12.0, 6.0], 3.0)
    assert load_profile("overload").changed(rate=None, seconds=None) == load_profile("overload")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("rate = 1.0", "rate = 0.0", "rate"),
        ("rate = 1.0", "rate = 1.0\nramp = 2", "ramp"),
        ('type = "poisson"', 'type = "gamma"', "arrivals"),
        ('type = "poisson"', 'type = "burst"', "size"),
        ('type = "poisson"', 'type = "poisson", size = 3', "size"),
        ('kind = "accepted"', 'kind = "chatty"', "kind"),
        ('kind = "accepted"', 'kind = "accepted"\nprompt_words = [9, 3]', "lower number first"),
        ("slo = { e2e_seconds = 1.0 }", "slo = {}", "at least one bound"),
        ("slo = { e2e_seconds = 1.0 }", "slo = { e2e_ms = 1.0 }", "e2e_ms"),
        ("rate = 1.0", "rate = 1.0\nleaving = { share = 2.0 }", "share"),
        ("[[mix]]", '[[stages]]\nname = "one"\nseconds = 1.0\narrivals = { type = "constant" }\n[[mix]]', "one name"),
        ("rate = 1.0", "rate = ", "Invalid value"),
    ],
)
def test_a_faulty_profile_is_refused(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    path = tmp_path / "mine.toml"
    assert old in PROFILE
    path.write_text(PROFILE.replace(old, new), encoding="utf-8")
    with pytest.raises(ProfileError, match=complaint):
        load_profile(str(path))


def test_a_profile_that_is_not_there_is_named() -> None:
    with pytest.raises(ProfileError, match=r"absent\.toml"):
        load_profile("absent")


def test_the_example_is_a_profile() -> None:
    assert LoadProfile.model_validate(tomllib.loads(PROFILE)).seconds == 10.0
