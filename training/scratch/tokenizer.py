"""The bundled model's tokenizer: byte-level BPE trained on the miniclinic, with chat and edit marks of its own.

Invariant: a chat's token ids are the concatenation of its messages' ids, so a longer chat extends a shorter one.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
JSON_MARKS = (
    '{"insert_after":', '{"replace":', '{"delete":', ',"text":"', '"}',
    '[{"principle":', '},{"principle":', ',"criterion":"', '","points":', "}]",
    '[{"n":', '},{"n":', ',"reason":"', '","met":',
)  # fmt: skip
NUMBER_MARKS = tuple(f" [{number}]" for number in range(1, 17))
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def train_tokenizer(texts: Iterable[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """Train the tokenizer on ``texts``; ``vocabulary`` counts all tokens, marks included."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    marks = len(JSON_MARKS) + len(NUMBER_MARKS)
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - marks,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_tokens([AddedToken(mark, normalized=False, special=False) for mark in (*JSON_MARKS, *NUMBER_MARKS)])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>", model_max_length=2048
    )
    fast.chat_template = CHAT_TEMPLATE
    return fast


def load_tokenizer(path: Path) -> PreTrainedTokenizerFast:
    """Read a tokenizer from a checkpoint folder."""
    tokenizer: PreTrainedTokenizerFast = PreTrainedTokenizerFast.from_pretrained(path)
    return tokenizer


class ChatEncoder:
    """Encodes messages one by one and remembers what it has encoded."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        self._tokenizer = tokenizer
        self._pieces: dict[str, tuple[int, ...]] = {}
        self.start, self.end = tokenizer.convert_tokens_to_ids(["<|im_start|>", "<|im_end|>"])
        self.newline = self.piece("\n")
        self.assistant = (self.start, *self.piece("assistant\n"))

    def piece(self, text: str) -> tuple[int, ...]:
        """Return the ids of a text without special tokens."""
        ids = self._pieces.get(text)
        if ids is None:
            ids = tuple(self._tokenizer.backend_tokenizer.encode(text, add_special_tokens=False).ids)
            if len(self._pieces) < 50_000:
                self._pieces[text] = ids
        return ids

    def message(self, message: Mapping[str, str]) -> tuple[int, ...]:
        """Return the ids of one closed message, as the chat template renders it."""
        return (self.start, *self.piece(f"{message['role']}\n{message['content']}"), self.end, *self.newline)

    def prompt(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        """Return the ids of a chat that the assistant is to continue."""
        return [*(token for message in messages for token in self.message(message)), *self.assistant]
