from principles.query import MAX_CHARACTERS, render, text_of


def test_the_last_question_comes_first() -> None:
    messages = [
        {"role": "system", "content": "You are kind."},
        {"role": "user", "content": "My leg is swollen."},
        {"role": "assistant", "content": "One leg or both?"},
        {"role": "user", "content": "Both."},
    ]
    assert render(messages) == "Both. [SEP] One leg or both? [SEP] My leg is swollen."


def test_older_turns_and_a_trailing_answer_are_left_out() -> None:
    turns = [("user", "one"), ("assistant", "two"), ("user", "three"), ("assistant", "four"), ("user", "five")]
    messages = [{"role": role, "content": content} for role, content in [*turns, ("assistant", "six")]]
    assert render(messages) == "five [SEP] four [SEP] three"


def test_text_parts_are_joined_and_images_ignored() -> None:
    parts = [
        {"type": "text", "text": "What is "},
        {"type": "image_url", "image_url": {"url": "data:,"}},
        {"type": "text", "text": "this rash?"},
    ]
    assert text_of({"role": "user", "content": parts}) == "What is this rash?"


def test_no_user_turn_gives_an_empty_text() -> None:
    assert render([]) == ""
    assert render([{"role": "assistant", "content": "Hello"}]) == ""
    assert render([{"role": "user", "content": None}]) == ""


def test_a_long_turn_keeps_both_ends() -> None:
    text = "a" * 1000 + "b" * 1000
    half = MAX_CHARACTERS // 2
    assert render([{"role": "user", "content": text}]) == "a" * half + " " + "b" * half
