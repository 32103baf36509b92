from loadtest.standin.answers import Answers
from loadtest.standin.calls import block_keys, call

QUESTION = {"role": "user", "content": " ".join(f"w{n}" for n in range(40))}
ANSWERS = Answers(draft_tokens=64)


def test_an_appended_turn_shares_the_blocks_of_question_and_answer() -> None:
    body = {"messages": [QUESTION]}
    answer = ANSWERS.to(body)
    first = call(body, answer)
    turns = [QUESTION, {"role": "assistant", "content": answer.text}, {"role": "user", "content": "Really?"}]
    second = call({"messages": turns}, answer)
    assert first.prompt_tokens == 42
    assert first.output_tokens == answer.tokens
    assert list(second.keys[: len(first.keys)]) == list(first.keys)


def test_other_words_have_other_keys_from_there_on() -> None:
    words = [f"w{n}" for n in range(64)]
    changed = [*words[:20], "another", *words[21:]]
    assert block_keys(words)[0] == block_keys(changed)[0]
    assert not set(block_keys(words)[1:]) & set(block_keys(changed)[1:])
    assert len(block_keys(words[:15])) == 0


def test_parts_and_priority_are_read() -> None:
    message = {"role": "user", "content": [{"type": "text", "text": "one two"}, {"type": "image_url"}]}
    found = call({"messages": [message], "priority": -2}, ANSWERS.to({"messages": [message]}))
    assert (found.prompt_tokens, found.priority) == (4, -2)


def test_drafts_have_about_the_length_that_is_wanted_by_question_and_seed() -> None:
    bodies = [{"messages": [{"role": "user", "content": f"question {n}"}]} for n in range(200)]
    answers, again, other = Answers(draft_tokens=300), Answers(draft_tokens=300), Answers(draft_tokens=300, seed=1)
    lengths = [answers.to(body).tokens for body in bodies]
    assert lengths == [again.to(body).tokens for body in bodies]
    assert lengths != [other.to(body).tokens for body in bodies]
    assert 280 < sum(lengths) / len(lengths) < 330
    assert 150 <= min(lengths) < 200 < 400 < max(lengths) <= 465
