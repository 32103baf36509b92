import json
from datetime import date
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from service.ask import AskError, ask, coloured_diff
from service.cli import main
from service.keys import Scope, key_digest, read_keys
from service.settings import Settings
from tests.service.api.serving import unused_url

CRITERION: dict[str, object] = {"number": 1, "text": "Says to call an ambulance", "points": 9, "principle": None}
RESULT: dict[str, object] = {
    "draft": "Rest. Wait.",
    "answer": "Rest. Call an ambulance. Wait.",
    "outcome": "revised",
    "reason": None,
    "usage": {"prompt_tokens": 30, "completion_tokens": 12},
    "timings_ms": {"total": 1234.0},
}
EVENTS: list[tuple[str, dict[str, object]]] = [
    (
        "principles",
        {"scenario": {"urgency": "emergent"}, "principles": [{"similarity": 0.5, "id": "p.a", "title": "T"}]},
    ),
    ("draft", {"delta": "Rest. "}),
    ("draft", {"delta": "Wait."}),
    ("rubric", {"criteria": [CRITERION]}),
    ("verdict", {"criterion": 1, "check": False, "satisfied": False, "probability": 0.04}),
    ("edit", {"operation": "insert_after", "number": 1, "accepted": True, "reason": None}),
    ("edit", {"operation": "delete", "number": 2, "accepted": False, "reason": "lost_number"}),
    ("result", RESULT),
]


def gateway(asked: list[dict[str, object]], events: list[tuple[str, dict[str, object]]]) -> httpx.MockTransport:
    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(json.loads(request.content))
        told = "".join(f"event: {name}\ndata: {json.dumps(content)}\n\n" for name, content in events)
        return httpx.Response(200, text=f": ping\n\n{told}data: [DONE]\n\n")

    return httpx.MockTransport(answer)


def test_ask_shows_the_stages_in_order() -> None:
    asked: list[dict[str, object]] = []
    console = Console(record=True, width=100)
    result = ask(
        "http://gateway", "Chest pain?", draft="Rest. Wait.", console=console, transport=gateway(asked, EVENTS)
    )
    assert result == RESULT
    assert asked == [{"messages": [{"role": "user", "content": "Chest pain?"}], "stream": True, "draft": "Rest. Wait."}]
    shown = console.export_text()
    parts = ["Principles", "0.50  p.a  T", "Draft", "Rest. Wait.", "- P 0.04 (+9) Says to call", "insert_after 1"]
    parts += ["delete 2 (refused: lost_number)", "Answer", "Rest. Call an ambulance. Wait.", "revised, 1.23 s, 30 + 12"]
    places = [shown.index(part) for part in parts]
    assert places == sorted(places)


def test_ask_prints_json_alone_when_told_to(capsys: pytest.CaptureFixture[str]) -> None:
    ask("http://gateway", "Chest pain?", as_json=True, transport=gateway([], EVENTS))
    assert json.loads(capsys.readouterr().out) == RESULT


@pytest.mark.parametrize(
    ("events", "message"),
    [([], "without a result"), ([("error", {"error": {"message": "engine away"}})], "engine away")],
)
def test_ask_says_what_went_wrong(events: list[tuple[str, dict[str, object]]], message: str) -> None:
    with pytest.raises(AskError, match=message):
        ask("http://gateway", "?", console=Console(quiet=True), transport=gateway([], events))


def test_ask_tells_how_to_start_a_gateway(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", "Chest pain?", "--url", unused_url()]) == 1
    assert "preceptor serve" in capsys.readouterr().err


def test_the_diff_marks_words_and_keeps_the_rest() -> None:
    text = coloured_diff("Rest now. Wait.", "Rest now. Call. Wait.")
    marked = {(text.plain[span.start : span.end], str(span.style)) for span in text.spans}
    assert ("Call. ", "green") in marked or (" Call.", "green") in marked
    assert not [style for _, style in marked if "red" in style]


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version"]) == 0
    assert capsys.readouterr().out.startswith("preceptor ")


def test_principles_has_its_own_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["principles", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)


def test_serve_refuses_wrong_settings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "preceptor.toml"
    config.write_text("colour = 1\n")
    assert main(["serve", "--config", str(config)]) == 2
    assert "colour" in capsys.readouterr().err


def test_every_setting_is_told_and_but_for_keys_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["serve", "--help"])
    told = capsys.readouterr().out
    assert all(field.description for field in Settings.model_fields.values())
    for name in Settings.model_fields:
        assert (f"--{name.replace('_', '-')} " in told) is (
            name not in ("api_keys", "engine_api_key", "feedback_database")
        )


def test_a_wrong_setting_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--max-in-flight", "none"]) == 2
    assert "max_in_flight" in capsys.readouterr().err


def test_a_new_key_is_shown_once_beside_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["keys", "new", "--client", "ward", "--scope", "chat", "--scope", "metrics", "--expires", "2027-03-31"]
    assert main(command) == 0
    shown = capsys.readouterr()
    (key,) = read_keys(shown.out.encode())
    assert (key.client, key.expires) == ("ward", date(2027, 3, 31))
    assert key.scopes == {Scope.CHAT, Scope.METRICS}
    assert key.digest == key_digest(shown.err.strip())


def test_a_new_key_may_limit_its_client(capsys: pytest.CaptureFixture[str]) -> None:
    limits = ["--max-in-flight", "8", "--tokens-per-minute", "60000", "--weight", "2"]
    assert main(["keys", "new", "--client", "ward", "--scope", "chat", *limits]) == 0
    (key,) = read_keys(capsys.readouterr().out.encode())
    assert key.limits == {"max_in_flight": 8, "tokens_per_minute": 60000, "weight": 2}
    assert main(["keys", "new", "--client", "ward", "--scope", "chat", "--weight", "0"]) == 2
    assert capsys.readouterr().err.startswith("preceptor: weight: ")


@pytest.mark.parametrize("wrong", [["--scope", "everything"], ["--scope", "chat", "--expires", "soon"], []])
def test_a_key_of_no_scope_or_date_is_not_made(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["keys", "new", "--client", "ward", *wrong])
    assert (ended.value.code, capsys.readouterr().out) == (2, "")


def test_a_client_needs_a_plain_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "new", "--client", "two words", "--scope", "chat"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "10.0.0.7", "gateway.example.org"])
def test_nobody_is_let_in_from_beyond_without_keys(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--host", host]) == 2
    told = capsys.readouterr().err
    assert (told.count("\n"), "allow_without_keys" in told) == (1, True)


def test_serve_refuses_a_key_file_that_it_cannot_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "keys.jsonl"
    file.write_text("a-plain-key\n")
    assert main(["serve", "--key-file", str(file)]) == 2
    told = capsys.readouterr().err
    assert ("key file, line 1" in told, "a-plain-key" in told) == (True, False)


def test_an_option_for_several_may_be_repeated_or_hold_several(capsys: pytest.CaptureFixture[str]) -> None:
    repeated = ["--engine-url", "http://a,http://b", "--engine-url", "http://a"]
    assert main(["serve", *repeated]) == 2
    assert "engine_url: Value error, names an engine twice" in capsys.readouterr().err
