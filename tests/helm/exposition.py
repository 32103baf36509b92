"""Names of series in Prometheus' text format, those of metrics included that have no value yet."""

_OF_KIND = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("", "_sum", "_count")}


def series_names(text: str) -> set[str]:
    """Every name that a query may use, by the TYPE lines of an exposition."""
    names: set[str] = set()
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            names |= {name + suffix for suffix in _OF_KIND.get(kind, ("",))}
    return names
