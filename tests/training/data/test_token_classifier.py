from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from training.data.identifiers import Identifier, IdentifierKind
from training.data.token_classifier import (
    WINDOW_CHARS,
    ModelError,
    TokenClassifier,
    kind_of_label,
    load_token_classifier,
)


def classify(text: str) -> Sequence[Mapping[str, Any]]:
    """A stand-in for a model: Zed is a person, Mars a planet."""
    assert len(text) <= WINDOW_CHARS
    found = (("B-PER", "Zed"), ("PLANET", "Mars"))
    return [
        {"entity_group": label, "start": text.find(word), "end": text.find(word) + len(word)}
        for label, word in found
        if word in text
    ]


def test_labels_of_other_things_are_no_identifiers() -> None:
    assert TokenClassifier(classify).find("Zed is on Mars") == [Identifier(0, 3, IdentifierKind.NAME)]


@pytest.mark.parametrize("at", [0, 297, 299, 300, 350, 398, 399, 700, 5000])
def test_no_place_in_a_long_text_is_cut_off(at: int) -> None:
    text = "." * at + "Zed" + "." * 400
    assert set(TokenClassifier(classify).find(text)) == {Identifier(at, at + 3, IdentifierKind.NAME)}


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("B-PER", IdentifierKind.NAME),
        ("i-loc", IdentifierKind.PLACE),
        ("ORG", IdentifierKind.ORGANISATION),
        ("MISC", None),
    ],
)
def test_labels_are_read_with_or_without_their_prefix(label: str, kind: IdentifierKind | None) -> None:
    assert kind_of_label(label) is kind


def tiny_model(folder: Path, labels: Sequence[str]) -> None:
    """Save a token classifier whose logits are fixed by hand: the word zed gets the last label."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertForTokenClassification, PreTrainedTokenizerFast

    words = ["[UNK]", "[PAD]", "zed", "sleeps"]
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]")
    fast.save_pretrained(folder)
    size = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}
    named = {"id2label": dict(enumerate(labels)), "label2id": {label: number for number, label in enumerate(labels)}}
    model = BertForTokenClassification(BertConfig(vocab_size=len(words), **size, **named))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        for module in model.modules():
            if isinstance(module, torch.nn.LayerNorm):
                module.weight.fill_(1.0)
        model.bert.embeddings.word_embeddings.weight[2, 0] = 8.0
        model.classifier.weight[-1, 0] = 8.0
        model.classifier.bias[0] = 4.0
    model.save_pretrained(folder)


def test_a_model_in_a_folder_is_a_recogniser(tmp_path: Path) -> None:
    tiny_model(tmp_path, ["O", "B-PER"])
    found = load_token_classifier(tmp_path).find("then zed sleeps")
    assert found == [Identifier(5, 8, IdentifierKind.NAME)]


def test_a_model_without_labels_of_ours_is_refused(tmp_path: Path) -> None:
    tiny_model(tmp_path, ["O", "B-PLANET"])
    with pytest.raises(ModelError, match="none of its labels is known here: B-PLANET, O"):
        load_token_classifier(tmp_path)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no config\.json"):
        load_token_classifier(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match=str(tmp_path)):
        load_token_classifier(tmp_path)
