"""Makes inspect's models from a recipe: the target's two, the judges, the patient.

Invariant: every model has the recipe's patience: inspect asks again until then, and then the sample fails, which stops
the run with all that is done kept.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import httpx
from inspect_ai.model import GenerateConfig, Model, get_model

from training.evaluation.arms.asked import Sampling, Target
from training.evaluation.asked import exact, gateway
from training.evaluation.recipe import Endpoint, Evaluation, JudgeSettings, ModelJudge, TargetSettings

PROVIDERS: Final = (gateway.preceptor, exact.miniclinic)
"""Models of ours, which inspect knows once this module is imported."""
_NO_KEY = "none"
_LIST_SECONDS = 10.0


class Unreachable(Exception):
    """A server does not answer, or does not serve what it is asked for; the message names it."""


def target_of(recipe: Evaluation, url: str) -> Target:
    """Make the models of a target at ``url``. Raises ``Unreachable`` and ``OSError``."""
    settings, key = recipe.target, _key(recipe.target.api_key_file)
    name = settings.model or _plain_name(url, settings, key)
    sampling = Sampling(recipe.seed, recipe.temperature, recipe.max_tokens)
    config = _config(recipe, recipe.concurrent * 2)
    guided = None
    if settings.guided:
        guided = gateway_model(url, settings.guided, key, config)
    return Target(_endpoint(url, name, key, config), guided, sampling)


def roles_of(recipe: Evaluation) -> dict[str, Model]:
    """Make the judges and, where one is named, the patient, by the role that they have in every task."""
    config = _config(recipe, recipe.judge_concurrent)
    judges: Mapping[str, JudgeSettings | None] = {
        "grader": recipe.judge,
        "second_grader": recipe.second_judge,
        "third_grader": recipe.third_judge,
    }
    roles = {role: _judge(settings, config) for role, settings in judges.items() if settings is not None}
    if recipe.patient is not None:
        roles["patient"] = _named(recipe.patient, config)
    elif recipe.judge.type == "miniclinic":
        roles["patient"] = get_model("miniclinic/patient", memoize=False)
    return roles


def gateway_model(url: str, slug: str, key: str | None, config: GenerateConfig) -> Model:
    """Make the model that a gateway is, under its slug."""
    model = get_model(f"preceptor/{slug}", api_key=key, config=config, memoize=False)
    assert isinstance(model.api, gateway.GatewayAPI)
    model.api.url = url.rstrip("/")
    return model


def named_model(endpoint: Endpoint, connections: int, patience_seconds: int = 600) -> Model:
    """Make the model behind an endpoint. Raises ``OSError`` for a key that cannot be read."""
    return _named(endpoint, _limits(connections, patience_seconds))


def _judge(settings: JudgeSettings, config: GenerateConfig) -> Model:
    if isinstance(settings, ModelJudge):
        return _named(settings, config)
    return get_model("miniclinic/judge", memoize=False)


def _named(endpoint: Endpoint, config: GenerateConfig) -> Model:
    return _endpoint(endpoint.url, endpoint.model, _key(endpoint.api_key_file), config)


def _endpoint(url: str, name: str, key: str | None, config: GenerateConfig) -> Model:
    base = f"{url.rstrip('/')}/v1"
    return get_model(f"openai-api/endpoint/{name}", base_url=base, api_key=key or _NO_KEY, config=config, memoize=False)


def _config(recipe: Evaluation, connections: int) -> GenerateConfig:
    return _limits(connections, recipe.patience_seconds)


def _limits(connections: int, patience_seconds: int) -> GenerateConfig:
    return GenerateConfig(max_connections=connections, timeout=patience_seconds, attempt_timeout=patience_seconds)


def _key(path: Path | None) -> str | None:
    return None if path is None else path.read_text(encoding="utf-8").strip()


def _plain_name(url: str, settings: TargetSettings, key: str | None) -> str:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    try:
        response = httpx.get(f"{url.rstrip('/')}/v1/models", headers=headers, timeout=_LIST_SECONDS)
        response.raise_for_status()
        names = [row["id"] for row in response.json()["data"]]
    except httpx.HTTPError as error:
        raise Unreachable(f"{url} does not list its models: {error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise Unreachable(f"{url}/v1/models is not an OpenAI list of models") from error
    plain = [name for name in names if name != settings.guided]
    if settings.guided and settings.guided not in names:
        raise Unreachable(f"{url} is no gateway: it lists {', '.join(names)}, and not {settings.guided}")
    if len(plain) != 1:
        raise Unreachable(f"{url} lists {', '.join(plain) or 'no plain model'}: name the target's model in the recipe")
    return str(plain[0])
