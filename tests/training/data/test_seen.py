from training.data.seen import SeenIds


def test_the_first_line_of_an_id_is_remembered() -> None:
    with SeenIds() as seen:
        assert [seen.first_line(id_, line) for line, id_ in enumerate("abacab", start=1)] == [None, None, 1, None, 1, 2]


def test_ids_are_compared_whole() -> None:
    with SeenIds() as seen:
        assert [seen.first_line(id_, 1) for id_ in ("a", "A", "a ", "a\0", "1", "1.0", "")] == [None] * 7
