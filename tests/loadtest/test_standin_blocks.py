from hypothesis import given
from hypothesis import strategies as st

from loadtest.standin.blocks import Blocks


def filled(blocks: Blocks, keys: list[int]) -> None:
    assert blocks.take(len(keys))
    assert all(blocks.fill(key) for key in keys)


def test_released_blocks_are_known_until_they_are_needed() -> None:
    blocks = Blocks(4)
    filled(blocks, [1, 2, 3])
    blocks.release([1, 2, 3], 0)
    assert (blocks.used, blocks.known([1, 2, 3, 4]), blocks.known([9, 1])) == (0, 3, 0)
    assert blocks.take(2)
    assert blocks.known([1, 2, 3]) == 2  # the end of a prefix goes first
    assert blocks.take(2)
    assert not blocks.take(1)


def test_shared_blocks_are_held_until_the_last_user_lets_go() -> None:
    blocks = Blocks(3)
    filled(blocks, [1, 2])
    blocks.share([1, 2])
    blocks.release([1, 2], 0)
    assert blocks.used == 2
    assert not blocks.room_for([], 2)
    assert blocks.room_for([1, 2], 1)
    blocks.release([1, 2], 0)
    assert (blocks.used, blocks.room_for([], 3), blocks.room_for([1, 2], 2)) == (0, True, False)


def test_a_block_that_is_cached_already_stays_private() -> None:
    blocks = Blocks(3)
    filled(blocks, [1])
    assert blocks.take(1)
    assert not blocks.fill(1)
    assert (blocks.private, blocks.used) == (1, 2)


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 6)), max_size=40))
def test_there_are_never_more_blocks_than_there_is_room(turns: list[tuple[int, int]]) -> None:
    blocks, held = Blocks(8), []
    for number, first in turns:
        keys = list(range(first, first + number))
        if blocks.take(number):
            done = [key for key in keys if blocks.fill(key)]
            held.append((done, number - len(done)))
        elif held:
            blocks.release(*held.pop(0))
        assert 0 <= blocks.used <= blocks.capacity
        assert blocks.used + len(blocks._spare) <= blocks.capacity
    for keys, private in held:
        blocks.release(keys, private)
    assert (blocks.used, blocks.private) == (0, 0)
