"""What a key file may say, who holds a key, and what happens while the file changes."""

import json
from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from service.keys import Key, KeyFileError, Keyring, Keys, Reload, Scope, key_digest, new_key, read_keys, today
from service.limits import ClientLimits

DAY = date(2027, 3, 31)


def line(key: str, client: str = "ward", scopes: tuple[str, ...] = ("chat",), **fields: object) -> str:
    return json.dumps({"client": client, "digest": key_digest(key), "scopes": scopes, **fields})


def ring(*lines: str) -> Keyring:
    return Keyring(read_keys("\n".join(lines).encode()))


def test_a_client_may_have_several_keys_that_are_good_together() -> None:
    keys = ring(line("old", expires="2027-04-01"), "", line("new"), line("other", client="lab"))
    assert [key.client for key in keys.keys] == ["ward", "ward", "lab"]
    held = {presented: keys.holder(presented, DAY) for presented in ("old", "new", "other")}
    assert [key and key.client for key in held.values()] == ["ward", "ward", "lab"]


@pytest.mark.parametrize("presented", ["", None, "wrong", "goo", "goodx", key_digest("good"), "\x00", "é", "\u20ac"])
def test_nothing_but_the_key_itself_opens(presented: str | None) -> None:
    keys = ring(line("good"))
    assert keys.holder("good", DAY) is keys.keys[0]
    assert keys.holder(presented, DAY) is None


@pytest.mark.parametrize(("expires", "good"), [("2027-03-30", False), ("2027-03-31", True), (None, True)])
def test_a_key_is_good_to_the_end_of_its_last_day(expires: str | None, good: bool) -> None:
    assert (ring(line("k", expires=expires)).holder("k", DAY) is not None) is good


def test_every_key_is_compared_wherever_the_right_one_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []

    def compare(digest: str, known: str) -> bool:
        compared.append(known)
        return digest == known

    monkeypatch.setattr("service.keys.hmac.compare_digest", compare)
    keys = ring(*(line(name) for name in ("a", "b", "c")))
    for presented in ("a", "c", "none"):
        compared.clear()
        keys.holder(presented, DAY)
        assert compared == [key_digest(name) for name in ("a", "b", "c")]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "line 1: "),
        ("[]", "line 1: "),
        (line("good") + "\n" + line("x", scopes=("everything",)), "line 2: scopes: enum"),
        (line("x", scopes=()), "line 1: scopes: too_short"),
        (line("x", client="two words"), "line 1: client: string_pattern_mismatch"),
        (line("x", expires="soon"), "line 1: expires: "),
        (line("x", colour="Zanzibarium"), "line 1: unknown key"),
        ('{"client":"a","digest":"plain-key","scopes":["chat"]}', "line 1: digest: string_pattern_mismatch"),
        (line("x") + "\n\n" + line("x", client="other"), "line 3: a digest that stands above already"),
        (line("x", max_in_flight=0), "line 1: max_in_flight: greater_than_equal"),
        (line("x", tokens_per_minute=0.5), "line 1: tokens_per_minute: int_from_float"),
        (line("x", weight=0), "line 1: weight: greater_than_equal"),
        (line("x", weight=2) + "\n" + line("y", weight=3), "line 2: weight: not what stands above for this client"),
    ],
)
def test_a_wrong_line_is_named_and_not_quoted(text: str, told: str) -> None:
    with pytest.raises(KeyFileError) as refused:
        read_keys(text.encode())
    assert told in str(refused.value)
    assert not [word for word in ("Zanzibarium", "plain-key", "two words", "sha256") if word in str(refused.value)]


def test_a_new_key_is_random_and_its_line_holds_its_digest_only() -> None:
    (one, told), (other, _) = new_key("ward", ["chat", "metrics"], DAY), new_key("ward", ["chat"])
    assert one != other
    assert one not in told
    assert '"scopes":["chat","metrics"]' in told
    (key,) = read_keys(told.encode())
    assert key == Key(client="ward", digest=key_digest(one), scopes=frozenset({Scope.CHAT, Scope.METRICS}), expires=DAY)
    with pytest.raises(ValidationError):
        new_key("two words", ["chat"])


def test_limits_are_the_clients_wherever_one_of_its_lines_says_them() -> None:
    defaults = ClientLimits(max_in_flight=4, tokens_per_minute=100)
    lines = [line("a", max_in_flight=8), line("b"), line("c", weight=2.5, max_in_flight=8), line("d", client="lab")]
    keys = Keyring(read_keys("\n".join(lines).encode()), defaults)
    assert keys.limits("ward") == ClientLimits(max_in_flight=8, tokens_per_minute=100, weight=2.5)
    assert keys.limits("lab") == defaults


def test_a_reload_keeps_the_defaults(tmp_path: Path) -> None:
    file, defaults = tmp_path / "keys.jsonl", ClientLimits(tokens_per_minute=100)
    file.write_text(line("old"))
    keys = Keys([], file, defaults=defaults)
    file.write_text(line("old", weight=3))
    for _ in range(2):
        keys.refresh()
    assert keys.ring.limits("ward") == ClientLimits(tokens_per_minute=100, weight=3)


def test_keys_of_the_settings_open_everything_beside_those_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "keys.jsonl"
    file.write_text(line("filed"))
    keys = Keys([key_digest("set")], file)
    (fixed, filed) = keys.ring.holder("set", today()), keys.ring.holder("filed", today())
    assert fixed is not None
    assert (fixed.client, fixed.scopes) == ("key-0", frozenset(Scope))
    assert filed is not None
    assert (filed.client, filed.scopes) == ("ward", frozenset({Scope.CHAT}))


@pytest.mark.parametrize(("digests", "content", "wanted"), [([], None, False), (["sha256:" + "0" * 64], None, True)])
def test_keys_are_wanted_where_some_are_set(digests: list[str], content: None, wanted: bool) -> None:
    assert Keys(digests, content).wanted is wanted


def test_an_empty_file_lets_nobody_in(tmp_path: Path) -> None:
    file = tmp_path / "keys.jsonl"
    file.touch()
    assert Keys([], file).wanted
    assert Keys([], file).ring.holder("", today()) is None


def test_a_file_that_cannot_be_read_at_the_start_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="No such file"):
        Keys([], tmp_path / "none")


def test_a_changed_file_is_taken_over_once_it_no_longer_changes(tmp_path: Path) -> None:
    file, told = tmp_path / "keys.jsonl", list[Reload]()
    file.write_text(line("old"))
    keys = Keys([], file, told.append)
    before = keys.ring
    half, whole = line("new"), line("new") + "\n" + line("newer")
    for text in (half, whole):
        file.write_text(text)
        keys.refresh()
        assert keys.ring is before
    keys.refresh()
    assert [key.digest for key in keys.ring.keys] == [key_digest("new"), key_digest("newer")]
    after = keys.ring
    keys.refresh()
    assert keys.ring is after
    assert told == [Reload.LOADED]
    assert before.holder("old", DAY) is not None  # a request that began with these keys ends with them


def test_a_file_that_has_become_unusable_changes_nothing_and_is_told_of_once(tmp_path: Path) -> None:
    file, told = tmp_path / "keys.jsonl", list[Reload]()
    file.write_text(line("good"))
    keys = Keys([], file, told.append)
    file.write_text("{")
    for _ in range(4):
        keys.refresh()
    assert told == [Reload.REFUSED]
    file.unlink()
    for _ in range(3):
        keys.refresh()
    assert told == [Reload.REFUSED] * 2
    assert keys.ring.holder("good", DAY) is not None
    file.write_text(line("better"))
    for _ in range(2):
        keys.refresh()
    assert told == [Reload.REFUSED] * 2 + [Reload.LOADED]
    assert keys.ring.holder("good", DAY) is None
