import itertools
import threading
from collections.abc import Iterator

import pytest

from slides_runner.detection.ahead import DEPTH, ahead


def test_yields_all_items_in_order() -> None:
    assert list(ahead(iter(range(3 * DEPTH)))) == list(range(3 * DEPTH))


def test_raises_what_the_maker_raises_after_what_it_made() -> None:
    def make() -> Iterator[int]:
        yield 1
        raise ValueError("damaged")

    items = ahead(make())
    assert next(items) == 1
    with pytest.raises(ValueError, match="damaged"):
        next(items)


def test_makes_no_more_than_its_depth_ahead() -> None:
    made: list[int] = []

    def make() -> Iterator[int]:
        for i in range(10 * DEPTH):
            made.append(i)
            yield i

    items = ahead(make())
    for taken in range(3):
        assert next(items) == taken
        assert len(made) <= taken + DEPTH + 3
    items.close()


def test_leaves_no_thread_behind_when_it_is_closed_early() -> None:
    before = threading.active_count()
    items = ahead(iter(itertools.count()))
    next(items)
    items.close()
    assert threading.active_count() == before
