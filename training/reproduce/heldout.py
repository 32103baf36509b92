"""Samples drafts of a checkpoint on held-out cases, in place, and scores them exactly.

Invariant: the same checkpoint, cases and temperature give the same drafts.
"""

from pathlib import Path

import torch
from tqdm import tqdm
from transformers import Qwen3MoeForCausalLM

from training.miniclinic.cases import make_case
from training.miniclinic.knowledge import Knowledge
from training.miniclinic.scorer import score
from training.reproduce.drafts import Draft
from training.scratch.tokenizer import load_tokenizer

MAX_TOKENS = 320
BATCH = 50


def sample_drafts(checkpoint: Path, knowledge: Knowledge, first: int, n: int, temperature: float) -> list[Draft]:
    """Sample one draft for each of the ``n`` held-out cases from seed ``first`` on."""
    torch.manual_seed(first)
    model = Qwen3MoeForCausalLM.from_pretrained(checkpoint, dtype=torch.float32).eval()
    tokenizer = load_tokenizer(checkpoint)
    tokenizer.padding_side = "left"
    drafts: list[Draft] = []
    for start in tqdm(range(first, first + n, BATCH), unit="batch", mininterval=5):
        cases = [make_case(knowledge, seed, "heldout") for seed in range(start, min(start + BATCH, first + n))]
        chats = [
            tokenizer.apply_chat_template(list(case.messages), tokenize=False, add_generation_prompt=True)
            for case in cases
        ]
        batch = tokenizer(chats, return_tensors="pt", padding=True, add_special_tokens=False)
        with torch.inference_mode():
            ids_BL = model.generate(
                input_ids=batch["input_ids"],
                attention_mask=batch["attention_mask"],
                max_new_tokens=MAX_TOKENS,
                do_sample=True,
                temperature=temperature,
                top_k=0,
            )
        for case, ids_L in zip(cases, ids_BL[:, batch["input_ids"].shape[1] :], strict=True):
            text = tokenizer.decode(ids_L, skip_special_tokens=True)
            tokens = int((ids_L != tokenizer.pad_token_id).sum())
            drafts.append(Draft(case.seed, text, score(knowledge, case, text).value, tokens))
    return drafts
