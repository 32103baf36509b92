"""Recording rules and alerts, run by promtool on series written for them."""

import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

HELM = Path(__file__).parents[2] / "helm"
RULES = HELM / "rules"
CASES = Path(__file__).parent / "rules"


def rules() -> list[dict[str, Any]]:
    files = [yaml.safe_load((RULES / name).read_text()) for name in ("recording.yaml", "alerts.yaml")]
    return [rule for file in files for group in file["groups"] for rule in group["rules"]]


def alerts() -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def cases(name: str) -> list[dict[str, Any]]:
    found = yaml.safe_load((CASES / name).read_text())
    assert isinstance(found, list)
    return found


def runs(promtool: str, tests: list[dict[str, Any]], folder: Path) -> None:
    """Run promtool's unit tests. Raises ``AssertionError`` with what it says."""
    whole = {
        "rule_files": [str(RULES / "recording.yaml"), str(RULES / "alerts.yaml")],
        "evaluation_interval": "1m",
        "group_eval_order": ["preceptor-gateway", "preceptor-engine"],
        "tests": tests,
    }
    file = folder / "tests.yaml"
    file.write_text(yaml.safe_dump(whole))
    done = subprocess.run([promtool, "test", "rules", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def series(given: dict[str, str], service: str | None = None) -> list[dict[str, str]]:
    place = f'namespace="clinic",service="{service}",' if service else ""
    return [{"series": name.replace("{", "{" + place, 1), "values": values} for name, values in given.items()]


def alert_test(case: dict[str, Any], which: str) -> dict[str, Any]:
    given, rule = case[which], alerts()[case["alert"]]
    expected = {
        "exp_labels": {
            "severity": rule["labels"]["severity"],
            "namespace": "clinic",
            "service": case["service"],
            **given.get("labels", {}),
        },
        "exp_annotations": {"summary": rule["annotations"]["summary"], "description": given.get("description")},
    }
    return {
        "name": f"{case['alert']} {which}",
        "interval": "1m",
        "input_series": series(given["series"], case["service"]),
        "alert_rule_test": [
            {
                "eval_time": case["at"],
                "alertname": case["alert"],
                "exp_alerts": [expected] if which == "fires" else [],
            }
        ],
    }


def test_the_rules_are_what_prometheus_takes(promtool: str) -> None:
    files = [str(RULES / "recording.yaml"), str(RULES / "alerts.yaml")]
    done = subprocess.run([promtool, "check", "rules", *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_fires_when_it_must_and_is_silent_when_it_must(promtool: str, tmp_path: Path) -> None:
    tests = [alert_test(case, which) for case in cases("alerts.yaml") for which in ("fires", "silent")]
    runs(promtool, tests, tmp_path)


def test_gateways_that_nobody_knows_of_are_down_as_well(promtool: str, tmp_path: Path) -> None:
    rule = alerts()["PreceptorGatewayDown"]
    expected = {
        "exp_labels": {"severity": "page", "job": "preceptor-gateway"},
        "exp_annotations": {
            "summary": rule["annotations"]["summary"],
            "description": "/: no gateway has answered Prometheus for two minutes.",
        },
    }
    check = {"eval_time": "3m", "alertname": "PreceptorGatewayDown", "exp_alerts": [expected]}
    runs(promtool, [{"interval": "1m", "input_series": [], "alert_rule_test": [check]}], tmp_path)


def test_recording_rules_give_these_values(promtool: str, tmp_path: Path) -> None:
    tests = [
        {
            "interval": "1m",
            "input_series": series(case["series"]),
            "promql_expr_test": [
                {
                    "expr": case["expr"],
                    "eval_time": case["at"],
                    "exp_samples": [
                        {"labels": case["expr"] + labels, "value": value} for labels, value in case["values"].items()
                    ],
                }
            ],
        }
        for case in cases("recording.yaml")
    ]
    runs(promtool, tests, tmp_path)


def test_every_alert_has_its_case_and_its_row_in_the_runbook() -> None:
    readme = (HELM / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(Preceptor\w+)` \| (\w+) \|", readme, re.MULTILINE)
    assert sorted(name for name, _ in rows) == sorted(alerts())
    assert dict(rows) == {name: rule["labels"]["severity"] for name, rule in alerts().items()}
    assert [case["alert"] for case in cases("alerts.yaml")] == list(alerts())


def test_only_what_nobody_could_absorb_wakes_somebody() -> None:
    pages = {name for name, rule in alerts().items() if rule["labels"]["severity"] == "page"}
    assert pages == {"PreceptorGatewayDown", "PreceptorNoEngine", "PreceptorErrorBudgetFast"}
    assert {rule["labels"]["severity"] for rule in alerts().values()} == {"page", "ticket"}


def test_a_recording_rule_is_named_by_level_metric_and_operation() -> None:
    names = [rule["record"] for rule in rules() if "record" in rule]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"(service|pod):(preceptor|vllm)_\w+:\w+", name) for name in names)
