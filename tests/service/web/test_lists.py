from datetime import UTC, datetime
from typing import Any

import pytest

from slides_api.v1alpha1 import Phase
from slides_operator.service.records import record_of
from slides_operator.service.web.addresses import Links
from slides_operator.service.web.lists import (
    Found,
    ListQuery,
    ListView,
    build_list,
    mark_of,
    offset_of,
)
from slides_operator.service.web.render import Site
from tests.service.objects import extraction

SITE = Site("A")
NOW = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)


def listed(total: int = 1, *, phase: str = "Completed", **asked: Any) -> ListView:
    records = tuple(record_of(extraction(f"talk-{n}", phase=phase)) for n in range(min(total, 25)))
    return build_list(
        Found(total, records, {Phase(phase): total}, None, "talks"),
        ListQuery(**asked),
        links=Links("talks"),
        namespaces=(),
        now=NOW,
    )


def test_filters_count_what_they_would_show() -> None:
    view = listed(3, state="completed")
    counts = {one.word: one.count for one in view.filters}
    assert counts == {
        "All": 3,
        "Running": 0,
        "Waiting": 0,
        "Completed": 3,
        "Failed": 0,
        "Cancelled": 0,
    }
    assert [one.word for one in view.filters if one.is_current] == ["Completed"]


def test_a_filter_keeps_the_search_and_begins_at_the_first_page() -> None:
    view = listed(60, q="a&b", page=2)
    assert view.filters[2].href == "/ui?q=a%26b&state=waiting"
    assert view.filters[0].href == "/ui?q=a%26b"
    assert view.kept == ()


def test_a_search_keeps_the_filter() -> None:
    assert listed(1, q="x", state="failed", page=3).kept == (("state", "failed"),)


@pytest.mark.parametrize(
    ("page", "before", "after"),
    [(1, "", "/ui?page=2"), (2, "/ui", "/ui?page=3"), (3, "/ui?page=2", ""), (9, "/ui?page=3", "")],
)
def test_pages_lead_to_each_other(page: int, before: str, after: str) -> None:
    pages = listed(60, page=page).pages
    assert (pages.previous, pages.next) == (before, after)


@pytest.mark.parametrize(
    ("asked", "want"),
    [
        ({"page": "0"}, 0),
        ({"page": "-3"}, 0),
        ({"page": "x"}, 0),
        ({"page": "99999999999"}, 0),
        ({"page": "3"}, 50),
        ({"state": "nonsense"}, 0),
    ],
)
def test_what_makes_no_sense_shows_the_beginning(asked: dict[str, Any], want: int) -> None:
    assert offset_of(ListQuery(**asked)) == want
    assert ListQuery(**asked).state == "all"


def test_is_looked_at_more_often_while_something_is_at_work() -> None:
    assert listed(1, phase="Extracting").refresh_s < listed(1, phase="Completed").refresh_s


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        ({}, False),
        ({"now": NOW.replace(second=59)}, False),
        ({"now": NOW.replace(minute=31)}, True),
        ({"site": Site("B")}, True),
        ({"version": 8}, True),
        ({"total": 2}, True),
    ],
)
def test_a_page_has_another_mark_once_it_says_something_else(
    change: dict[str, Any], *, differs: bool
) -> None:
    def mark(*, now: datetime = NOW, site: Site = SITE, version: int = 7, total: int = 1) -> str:
        record = record_of(extraction(version=version))
        found = Found(total, (record,), {Phase.PENDING: total}, None, "talks")
        return mark_of(found, ListQuery(), site=site, now=now)

    assert (mark(**change) != mark()) is differs


def test_a_search_is_done_again_less_often() -> None:
    assert listed(1, phase="Extracting", q="x").refresh_s == listed(1).refresh_s


def test_says_what_to_do_where_there_is_nothing() -> None:
    assert listed(0).empty_action == "New talk"
    assert listed(0, q="x").empty_action == "Show all talks"
