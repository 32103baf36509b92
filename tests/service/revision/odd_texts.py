# ruff: noqa: E501, RUF001  (the scripts are the point, and the list is read by its lines)
"""Texts that are hard to split and to edit, for the property tests: every script, every line form, every odd byte."""

from hypothesis import strategies as st

FRAGMENTS = (
    "Take 0.5 mg. ", "See Dr. Smith! ", "e.g. this ", "Wait... ", "J. R. Lee ", "www.who.int/a.b. ", "Helps [2]. ", "[1] ", "[[3]] ",
    "- item\n", "- One. Two.\n", "  * nested\n", "1. first\n", "12) twelfth\n", "• dot\n", "> quote. More.\n", "## Title. Two\n",
    "---\n", "Title\n=====\n", "<p>One. Two.</p>\n", "<br>", "| a | b |\n", "|---|---|\n", "| c. d | e |\n",
    "```\ncode. x\n```\n", "````\n```\nin. ner\n```\n````\n", "~~~\n```\n~~~\n", "- ```py\n  x\n  ```\n", "> ```\n> x\n",
    "```open. end\n", "~~~", "``inline`` code. ", "```inline``` code. ", "\n\n", "\n", "  ", "\t", "\r\n", "\r", "A.\r\n\r\nB.\r\n",
    "胸が痛い。", "请立即就医！", "他说：“停。”", "약을 드세요. ", "هل تشعر بألم؟ ", "فوراً. ", "درد دارید؟ ", "यह दर्द है। ", "שלום. ", "ไปหาหมอ ",
    "👩\u200d⚕️. ", "e\u0301. ", "\u0301", "\u00a0", "\u2028", "\u2029", "\x0c", "\x0b", "\x1c", "\x85", "\x00", "\u200b", "\u202e", "…", "‼ ",
    "**bold.** ", "“Stop.” ", "(Yes.) ", "", ".", "?!", "word ",
)  # fmt: skip
TEXTS = st.one_of(st.text(), st.lists(st.sampled_from(FRAGMENTS), max_size=14).map("".join))
NEW_TEXTS = st.one_of(
    st.sampled_from(
        ["New.", "- new", "1. new", "| n | w |", "# New", "```\nnew\n```", "Two.\n\nParts.", "新。", "جديد.", "> said", "See [2]"]
    ),
    st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Mn", "Z"]), min_size=1, max_size=12),
)  # fmt: skip
