from pathlib import Path

import pytest
from pydantic import ValidationError

from training.scratch.settings import load_sft_config

CONFIGS = Path(__file__).parents[3] / "training" / "configs"


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("scratch/*.toml")), ids=lambda path: path.stem)
def test_every_config_is_read(path: Path) -> None:
    config = load_sft_config(path)
    assert config.rows_per_step % config.processes == 0


def test_unknown_keys_and_missing_weights_are_refused(tmp_path: Path) -> None:
    text = (CONFIGS / "scratch" / "miniclinic.toml").read_text(encoding="utf-8")
    path = tmp_path / "config.toml"
    path.write_text("colour = 3\n" + text, encoding="utf-8")
    with pytest.raises(ValidationError, match="colour"):
        load_sft_config(path)
    path.write_text(text.replace("draft = 1.0\n", ""), encoding="utf-8")
    with pytest.raises(ValueError, match="task_weights must name"):
        load_sft_config(path)
