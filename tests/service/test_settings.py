from pathlib import Path

import pytest

from service.keys import key_digest
from service.limits import ClientLimits
from service.settings import Settings, SettingsError, load_settings


def test_later_sources_win(tmp_path: Path) -> None:
    file = tmp_path / "preceptor.toml"
    file.write_text('port = 1\nhost = "::1"\nrounds = 2\n')
    environ = {"PRECEPTOR_CONFIG": str(file), "PRECEPTOR_PORT": "2", "PRECEPTOR_TOP_K": "3", "PATH": "/bin"}
    settings = load_settings({"port": 4, "rounds": None}, environ=environ)
    assert (settings.port, settings.host, settings.rounds, settings.top_k) == (4, "::1", 2, 3)


def test_a_named_file_wins_over_the_one_of_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "named.toml"
    file.write_text("port = 7\n")
    assert load_settings(environ={"PRECEPTOR_CONFIG": "elsewhere.toml"}, file=file).port == 7


@pytest.mark.parametrize(
    ("environ", "text", "message"),
    [
        ({"PRECEPTOR_PROT": "1"}, "", "PRECEPTOR_PROT is no setting"),
        ({"PRECEPTOR_PORT": "many"}, "", "port: "),
        ({"PRECEPTOR_ROUNDS": "4"}, "", "rounds: "),
        ({}, "colour = 1\n", "colour: "),
        ({}, "port = \n", "not TOML"),
    ],
)
def test_what_is_unknown_or_wrong_is_refused(tmp_path: Path, environ: dict[str, str], text: str, message: str) -> None:
    file = tmp_path / "preceptor.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=message):
        load_settings(environ=environ, file=file)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.toml: No such file"):
        load_settings(environ={}, file=tmp_path / "none.toml")


def test_service_links_of_kubernetes_are_no_settings() -> None:
    environ = {
        "PRECEPTOR_SERVICE_HOST": "10.0.0.7",
        "PRECEPTOR_SERVICE_PORT": "8000",
        "PRECEPTOR_SERVICE_PORT_HTTP": "8000",
        "PRECEPTOR_PORT": "tcp://10.0.0.7:8000",
        "PRECEPTOR_PORT_8000_TCP": "tcp://10.0.0.7:8000",
        "PRECEPTOR_PORT_8000_TCP_ADDR": "10.0.0.7",
        "PRECEPTOR_VLLM_SERVICE_HOST": "10.0.0.8",
    }
    assert load_settings(environ=environ) == Settings()


def test_api_keys_are_kept_as_digests_and_never_shown() -> None:
    settings = load_settings(environ={"PRECEPTOR_API_KEYS": "first-key, " + key_digest("second-key")})
    assert settings.api_keys == (key_digest("first-key"), key_digest("second-key"))
    assert "first-key" not in repr(settings)
    assert "sha256" not in repr(settings)


def test_keys_are_wanted_where_there_are_some_or_a_file_for_them(tmp_path: Path) -> None:
    file = tmp_path / "keys.jsonl"
    file.touch()
    settings = [Settings(), Settings(api_keys=("one",)), Settings(key_file=file)]
    assert [found.wants_keys for found in settings] == [False, True, True]


def test_a_key_file_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="key_file"):
        load_settings({"key_file": str(tmp_path / "none")}, environ={})


@pytest.mark.parametrize(
    ("given", "engines"),
    [
        ("http://a:1", [("0", "http://a:1")]),
        (" http://a:1 , http://b:1/v1,", [("0", "http://a:1"), ("1", "http://b:1/v1")]),
        ("left=http://a:1,https://b", [("left", "http://a:1"), ("1", "https://b")]),
        (["http://a:1/?x=1", "r.2=http://b"], [("0", "http://a:1/?x=1"), ("r.2", "http://b")]),
    ],
)
def test_engines_are_one_or_several_and_may_have_names(given: object, engines: list[tuple[str, str]]) -> None:
    assert list(load_settings({"engine_url": given}, environ={}).engines) == engines


def test_engines_may_stand_in_the_environment_or_the_file(tmp_path: Path) -> None:
    file = tmp_path / "preceptor.toml"
    file.write_text('engine_url = ["http://a", "http://b"]\n')
    assert load_settings(environ={}, file=file).engine_url == ("http://a", "http://b")
    environ = {"PRECEPTOR_ENGINE_URL": "http://c,http://d"}
    assert load_settings(environ=environ, file=file).engine_url == ("http://c", "http://d")


def test_an_engine_takes_a_key_or_a_user_name() -> None:
    assert load_settings({"engine_url": "http://u:p@a"}, environ={}).engines[0].name == "0"
    with pytest.raises(SettingsError, match="beside engine_api_key"):
        load_settings({"engine_url": "http://u:p@a", "engine_api_key": "k"}, environ={})


@pytest.mark.parametrize(
    "wrong", ["", [], "a", "ftp://a", "http://a,b", "http://a,http://a", "x=http://a,x=http://b", "1=http://a,http://b"]
)
def test_engines_that_cannot_be_told_apart_or_reached_are_refused(wrong: object) -> None:
    with pytest.raises(SettingsError, match="engine_url"):
        load_settings({"engine_url": wrong}, environ={})


def test_what_a_client_may_have_is_off_unless_set() -> None:
    assert Settings().client_limits == ClientLimits(max_in_flight=None, tokens_per_minute=None, weight=1)
    given = {"client_max_in_flight": "8", "client_tokens_per_minute": "60000"}
    assert load_settings(given, environ={}).client_limits == ClientLimits(max_in_flight=8, tokens_per_minute=60000)
    with pytest.raises(SettingsError, match="client_max_in_flight"):
        load_settings({"client_max_in_flight": 0}, environ={})


@pytest.mark.parametrize(
    ("given", "slots", "places"),
    [
        ({}, 48, 16),
        ({"engine_url": "http://a,http://b,http://c"}, 144, 48),
        ({"max_in_flight": 7, "max_queued": 0}, 7, 0),
    ],
)
def test_slots_and_places_go_by_the_engines_unless_they_are_set(
    given: dict[str, object], slots: int, places: int
) -> None:
    found = load_settings(given, environ={})
    assert (found.slots, found.places) == (slots, places)
