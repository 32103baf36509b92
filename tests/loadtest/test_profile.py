from pathlib import Path

import pytest

from loadtest.profile import PROFILES, Criterion, ProfileError, UnreadableCritique, load_profile, read_verdicts

CRITERIA = [Criterion("Names the red flag.", 8), Criterion("Gives a dose.", -5), Criterion("Asks for age.", 3)]
VALID = 'verdicts = "json"\ncritique = "{criteria}"\nrewrite = "{criteria}"\n'


def test_the_bundled_turns() -> None:
    profile = load_profile("bundled")
    listed = "1. Names the red flag.\n2. Gives a dose.\n3. Asks for age."
    assert profile.critique_turn(CRITERIA) == f"Criteria:\n{listed}\nVerdicts?"
    assert profile.rewrite_turn(CRITERIA[2:], "unused") == "Unmet:\n1. Asks for age.\nRewrite."


@pytest.mark.parametrize("step", ["critique", "rewrite"])
def test_the_bundled_turns_are_those_that_the_gateway_sends_to_the_bundled_model(step: str) -> None:
    prompts = Path(__file__).parents[2] / "service" / "revision" / "prompts" / "compact"
    sent = (prompts / f"{step}.txt").read_text(encoding="utf-8").rstrip("\n")
    assert getattr(load_profile("bundled"), step) == sent


@pytest.mark.parametrize("path", sorted(PROFILES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_profile_that_comes_along_can_be_read(path: Path) -> None:
    assert load_profile(str(path)) == load_profile(path.stem)


def test_a_critique_in_prose_is_handed_on_whole() -> None:
    profile = load_profile("plain_english")
    critique = "The red flag {criteria} is missing."
    assert profile.unsatisfied(CRITERIA, critique) == CRITERIA
    assert critique in profile.rewrite_turn(CRITERIA, critique)


def test_what_is_unsatisfied_goes_by_the_sign_of_the_points() -> None:
    critique = '[{"n":1,"reason":"a","met":true},{"n":2,"reason":"b","met":true},{"n":3,"reason":"c","met":false}]'
    assert load_profile("bundled").unsatisfied(CRITERIA, critique) == CRITERIA[1:]


def test_verdicts_are_found_in_a_fence() -> None:
    assert read_verdicts('```json\n[{"n":2,"met":false},{"n":1,"met":true}]\n```', 2) == {1: True, 2: False}


@pytest.mark.parametrize(
    "critique",
    ["", "all is well", '[{"n":1,"met":true}]', '[{"n":1,"met":true},{"n":2,"met":"no"}]', '[{"n":1,"met":tr'],
)
def test_a_critique_without_every_verdict_is_unreadable(critique: str) -> None:
    with pytest.raises(UnreadableCritique):
        read_verdicts(critique, 2)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("verdicts = ", "Invalid value"),
        (VALID + 'temperature = "0"\n', "needs exactly"),
        ('critique = "{criteria}"\nrewrite = "{criteria}"\n', "needs exactly"),
        (VALID.replace('"json"', '"yaml"'), "json or text"),
        (VALID.replace('critique = "{criteria}"', 'critique = "Well?"'), "critique needs"),
        (VALID.replace('rewrite = "{criteria}"', 'rewrite = "{criterion}"'), "rewrite needs"),
    ],
)
def test_a_faulty_profile_is_refused(tmp_path: Path, content: str, complaint: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ProfileError, match=complaint):
        load_profile(str(path))


def test_a_profile_that_is_not_there_is_named() -> None:
    with pytest.raises(ProfileError, match=r"absent\.toml"):
        load_profile("absent")
