"""The list of talks: what was asked for, and the page that answers it."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import urlencode

from pydantic import BaseModel, BeforeValidator, Field

from slides_api.v1alpha1 import Phase
from slides_operator.service.records import AT_WORK, Record
from slides_operator.service.web.addresses import Links
from slides_operator.service.web.render import HOME, Site, digest
from slides_operator.service.web.views import TalkRow, build_row

PAGE_SIZE = 25
"""Rows of a page; chosen: a look at them takes no search, and a phone no patience."""
LIVELY_S, CALM_S = 2, 10
"""Between two looks at the list while something is at work, and otherwise; chosen. A search, which
looks through all there is, counts as otherwise."""
LONGEST_SEARCH = 200

Choice = Literal["all", "running", "waiting", "completed", "failed", "cancelled"]
FILTERS: dict[Choice, tuple[str, frozenset[Phase]]] = {
    "all": ("All", frozenset(Phase)),
    "running": ("Running", AT_WORK),
    "waiting": ("Waiting", frozenset({Phase.PENDING, Phase.QUEUED, Phase.SUSPENDED})),
    "completed": ("Completed", frozenset({Phase.COMPLETED})),
    "failed": ("Failed", frozenset({Phase.FAILED})),
    "cancelled": ("Cancelled", frozenset({Phase.CANCELLED})),
}
"""The filters by the word in the address: what they are called, and the phases that they show."""


def _known(value: object) -> object:
    return value if value in FILTERS else "all"


def _number(value: object) -> object:
    text = str(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 8 else 1  # noqa: PLR2004 - more pages than anybody has


class ListQuery(BaseModel):
    """What of the list is shown; what makes no sense is passed over."""

    q: str = Field(default="", description="Part of a title, an address, a name or a video's id.")
    state: Annotated[Choice, BeforeValidator(_known)] = "all"
    page: Annotated[int, BeforeValidator(_number)] = 1
    batch: str = Field(default="", description="UID of a batch: its talks alone.")
    namespace: str = Field(default="", description="Another namespace than the service's own.")


@dataclass(frozen=True)
class FilterView:
    """A filter to choose."""

    word: str
    count: int
    href: str
    is_current: bool


@dataclass(frozen=True)
class Pages:
    """Where in the list one is."""

    number: int
    count: int
    previous: str
    next: str


@dataclass(frozen=True)
class ListView:
    """The whole page."""

    heading: str
    about: str
    filters: tuple[FilterView, ...]
    kept: tuple[tuple[str, str], ...]
    """What a search keeps of the address."""
    query: str
    namespace: str
    namespaces: tuple[str, ...]
    rows: tuple[TalkRow, ...]
    pages: Pages
    refresh_s: int
    empty_title: str
    empty_text: str
    empty_href: str
    empty_action: str


@dataclass(frozen=True)
class Found:
    """What the store has."""

    total: int
    records: tuple[Record, ...]
    counts: dict[Phase, int]
    batch: Record | None
    namespace: str
    """Where all this is."""


def build_list(
    found: Found, asked: ListQuery, *, links: Links, namespaces: tuple[str, ...], now: datetime
) -> ListView:
    """Return the page."""
    title, text, href, action = _empty(asked, links)
    lively = any(record.at_work for record in found.records)
    return ListView(
        heading=f"Batch {found.batch.name}" if found.batch else "Talks",
        about=_about(found),
        filters=tuple(_filters(found, asked)),
        kept=tuple(_kept(asked, "q", "page", *(["namespace"] if len(namespaces) > 1 else []))),
        query=asked.q,
        namespace=found.namespace,
        namespaces=namespaces,
        rows=tuple(build_row(record, links, now) for record in found.records),
        pages=_pages(found.total, asked),
        refresh_s=LIVELY_S if lively and not asked.q else CALM_S,
        empty_title=title,
        empty_text=text,
        empty_href=href,
        empty_action=action,
    )


def mark_of(found: Found, asked: ListQuery, *, site: Site, now: datetime) -> str:
    """Return an ETag: it changes with whatever the page shows, and once a minute."""
    seen = [(record.uid, record.version) for record in found.records]
    batch = found.batch.version if found.batch else 0
    minute = now.replace(second=0, microsecond=0).isoformat()
    shown = (digest(), site, asked, found.total, found.counts, seen, batch, minute)
    return f'W/"{hashlib.sha256(repr(shown).encode()).hexdigest()[:24]}"'


def offset_of(asked: ListQuery) -> int:
    """Return how many rows come before the page."""
    return (max(1, asked.page) - 1) * PAGE_SIZE


def _address(asked: ListQuery, **changes: object) -> str:
    given = {**dict(_kept(asked)), **changes}
    kept = {k: v for k, v in given.items() if v and (k, v) not in {("state", "all"), ("page", 1)}}
    return f"{HOME}?{urlencode(kept)}" if kept else HOME


def _kept(asked: ListQuery, *without: str) -> list[tuple[str, str]]:
    values = asked.model_dump(exclude_defaults=True)
    return [(name, str(value)) for name, value in values.items() if name not in without]


def _filters(found: Found, asked: ListQuery) -> list[FilterView]:
    return [
        FilterView(
            word=word,
            count=sum(found.counts.get(phase, 0) for phase in phases),
            href=_address(asked, state=choice, page=1),
            is_current=asked.state == choice,
        )
        for choice, (word, phases) in FILTERS.items()
    ]


def _about(found: Found) -> str:
    counts = {
        "running": sum(found.counts.get(phase, 0) for phase in FILTERS["running"][1]),
        "waiting": sum(found.counts.get(phase, 0) for phase in FILTERS["waiting"][1]),
    }
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count)


def _pages(total: int, asked: ListQuery) -> Pages:
    count = max(1, -(-total // PAGE_SIZE))
    number = max(1, asked.page)
    return Pages(
        number=number,
        count=max(count, number),
        previous=_address(asked, page=min(number - 1, count)) if number > 1 else "",
        next=_address(asked, page=number + 1) if number < count else "",
    )


def _empty(asked: ListQuery, links: Links) -> tuple[str, str, str, str]:
    if asked.q or asked.state != "all" or asked.page > 1:
        text = "Nothing fits this search and filter."
        return "No talks here", text, links.home(asked.namespace), "Show all talks"
    text = "Give the address of a talk video: its slides come out, each with the moments it was on."
    return "No talks yet", text, links.new(asked.namespace), "New talk"
