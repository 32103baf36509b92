from training.distil.report import shown


def test_figures_are_lines_groups_and_tables() -> None:
    text = shown({"n": 3, "group": {"precision": 0.5, "recall": None}, "rows": [{"a": 1, "b": 0.25}], "none": []})
    assert [line.split() for line in text.splitlines()] == [
        ["n", "3"],
        ["group"],
        ["precision", "0.500"],
        ["recall", "-"],
        ["rows"],
        ["a", "b"],
        ["1", "0.250"],
        ["none"],
    ]
