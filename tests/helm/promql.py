"""Which metrics a PromQL expression reads. Good for the expressions of this chart, whose syntax promtool checks."""

import re

_WORDS = frozenset(
    {
        "and",
        "or",
        "unless",
        "by",
        "without",
        "on",
        "ignoring",
        "group_left",
        "group_right",
        "bool",
        "offset",
        "inf",
        "nan",
    }
)
_LABEL_LIST = re.compile(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
_NAME = re.compile(r"(?<![\w:.$])[a-zA-Z_:][\w:]*(?!\s*\()(?![\w:])")


def metrics_of(expression: str) -> set[str]:
    """The names of all series that the expression selects."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', re.sub(r"#.*", "", expression))
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]", "", bare)
    bare = _LABEL_LIST.sub("", bare)
    return {name for name in _NAME.findall(bare) if name.lower() not in _WORDS}
