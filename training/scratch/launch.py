"""Runs supervised training on the miniclinic: prepares rows, starts one process for each share, shows progress.

Invariant: started again on the same folder with the same configuration, it goes on from the last checkpoint.
"""

import json
import os
import socket
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from tqdm import tqdm

from training.miniclinic.prepare import prepare
from training.miniclinic.principles import retrieved_principles
from training.runs.files import RunError
from training.scratch.batch import load_rows
from training.scratch.model import save_checkpoint
from training.scratch.settings import SftConfig
from training.scratch.sft import SftRun
from training.scratch.tokenizer import load_tokenizer


def train(config: SftConfig, folder: Path) -> Path:
    """Train and export; return the folder of the finished checkpoint."""
    folder.mkdir(parents=True, exist_ok=True)
    _check_same_run(config, folder)
    prepare(config, folder, retrieved_principles())
    if config.processes == 1:
        _work(0, config, folder, None)
    else:
        mp.spawn(_work, (config, folder, _free_port()), nprocs=config.processes)
    return folder / "model"


def _work(rank: int, config: SftConfig, folder: Path, port: int | None) -> None:
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // config.processes))
    if port is not None:
        dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=config.processes)
    tokenizer = load_tokenizer(folder / "tokenizer")
    run = SftRun(config, load_rows(folder / "rows.npz"), tokenizer, folder)
    with tqdm(total=config.steps, initial=run.step, disable=rank != 0, unit="step", mininterval=5) as bar:
        while run.step < config.steps:
            before = run.step
            run.run(until=run.step + config.log_every_steps)
            bar.update(run.step - before)
    if rank == 0:
        save_checkpoint(run.model, tokenizer, folder / "model")
    if port is not None:
        dist.destroy_process_group()


def _check_same_run(config: SftConfig, folder: Path) -> None:
    path = folder / "config.json"
    text = json.dumps(config.model_dump(mode="json"), indent=1, sort_keys=True)
    if path.is_file() and path.read_text(encoding="utf-8") != text:
        raise RunError(f"{folder} holds a run with another configuration; name another folder or remove it")
    path.write_text(text, encoding="utf-8")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
