from loadtest.cluster.conversations import Shape, conversation, conversation_of, request_of

SHAPE = Shape(history_words=20, turns=4, thought_seconds=(0.0, 0.0), named_share=0.5)


def test_a_turn_carries_all_before_it_and_begins_alike() -> None:
    one = conversation(3, "alive", SHAPE, seed=1)
    first, third = one.body(0, []), one.body(2, ["an answer", "another"])
    assert [message["role"] for message in third["messages"]] == ["user", "assistant", "user", "assistant", "user"]
    assert third["messages"][0] == first["messages"][0]
    assert third["messages"][3]["content"] == "another"


def test_seed_and_number_decide_and_no_two_begin_alike() -> None:
    many = [conversation(number, "alive", SHAPE, seed=1) for number in range(200)]
    assert many == [conversation(number, "alive", SHAPE, seed=1) for number in range(200)]
    assert len({one.opening.split(":")[0] for one in many}) == 200
    named = [one for one in many if one.session]
    assert 70 <= len(named) <= 130
    assert len({one.session for one in named}) == len(named)


def test_a_control_names_each_turn_for_itself() -> None:
    one = conversation(0, "control", SHAPE, seed=1)
    sessions = {one.headers(turn, apart=True)["x-session-id"] for turn in range(4)}
    assert len(sessions) == 4
    assert {one.headers(turn, apart=False).get("x-session-id") for turn in range(4)} == {one.session}


def test_a_call_is_known_by_the_request_that_it_was_made_for() -> None:
    assert request_of("alive.12.3-verdict-2") == "alive.12.3"
    assert request_of("alive.12.3") == "alive.12.3"
    assert request_of("req-0123") is None
    assert conversation_of("alive.12.3") == ("alive.12", 3)
