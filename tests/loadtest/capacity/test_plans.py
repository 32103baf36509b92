from loadtest.capacity.plans import Plan, Shape, requests
from loadtest.standin.speed import BLOCK_TOKENS

SHAPE = Shape(revised_share=1.0)


def test_requests_depend_on_the_seed_and_their_number_alone() -> None:
    assert requests(SHAPE, 50, seed=3) == requests(SHAPE, 80, seed=3)[:50]
    assert requests(SHAPE, 50, seed=3) != requests(SHAPE, 50, seed=4)


def test_lengths_and_shares_are_those_of_the_shape() -> None:
    found = requests(Shape(question_tokens=200, draft_tokens=400, revised_share=0.25), 2000, seed=0)
    assert 195 < sum(request.question_tokens for request in found) / 2000 < 205
    assert 390 < sum(request.draft_tokens for request in found) / 2000 < 410
    assert all(200 <= request.draft_tokens <= 600 for request in found)
    assert 0.22 < sum(request.falls_short for request in found) / 2000 < 0.28


def test_the_calls_of_each_plan() -> None:
    [request] = requests(SHAPE, 1, seed=0)
    calls = {plan: [len(stage) for stage in request.stages(plan)] for plan in Plan}
    assert calls == {Plan.DRAFT_ONLY: [1], Plan.GATED: [2, 5], Plan.GUIDED: [2, 5, 2, 2]}
    outputs = [[call.output_tokens for call in stage] for stage in request.stages(Plan.GUIDED)]
    assert outputs == [[request.draft_tokens, 180], [1] * 5, [60, 60], [1, 1]]
    assert [call.priority for stage in request.stages(Plan.GUIDED) for call in stage] == [0, 0, *[-1] * 9]


def test_a_draft_that_meets_all_has_no_edits() -> None:
    [request] = requests(Shape(revised_share=1e-12), 1, seed=0)
    assert [len(stage) for stage in request.stages(Plan.GUIDED)] == [2, 5]


def test_verdicts_share_question_and_draft_and_an_edit_its_verdict() -> None:
    [request] = requests(SHAPE, 1, seed=0)
    [draft, rubric], [first, second, *_], [edit, _], [check, _] = request.stages(Plan.GUIDED)
    trunk = (request.question_tokens + request.draft_tokens) // BLOCK_TOKENS
    question = request.question_tokens // BLOCK_TOKENS
    assert shared(draft.keys, first.keys) == shared(first.keys, second.keys) == trunk
    assert shared(draft.keys, rubric.keys) == question
    assert shared(first.keys, edit.keys) == len(first.keys)
    assert question < shared(draft.keys, check.keys) < trunk


def shared(one: object, other: object) -> int:
    assert isinstance(one, list)
    assert isinstance(other, list)
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
