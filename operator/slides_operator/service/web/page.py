"""The page's routes: each answers HTML that can be read as it is; scripts only keep it fresh."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any

from aiohttp import hdrs, web
from pydantic import BaseModel, Field

from slides_operator.errors import NotFoundError, RejectedError
from slides_operator.extraction.objects import Json
from slides_operator.kube.cache import Kind
from slides_operator.service.endpoint import UNREADABLE_FORM, receive_form
from slides_operator.service.problems import ProblemError, words_of_server
from slides_operator.service.records import Record
from slides_operator.service.rest.job_actions import cancel_job, delete_job, retry_job
from slides_operator.service.routes import Access, Call, Route
from slides_operator.service.submissions import submit
from slides_operator.service.web import files, session
from slides_operator.service.web.actions import VERBS, Action, build_actions
from slides_operator.service.web.addresses import Links
from slides_operator.service.web.files import find_talk
from slides_operator.service.web.forms import (
    Filled,
    build_form,
    build_resource,
    check,
    read_form,
)
from slides_operator.service.web.lists import (
    FILTERS,
    PAGE_SIZE,
    Found,
    ListQuery,
    build_list,
    mark_of,
    offset_of,
)
from slides_operator.service.web.render import HOME, HTML, marks, page, see_other, unchanged
from slides_operator.service.web.session import TAG, show_problems, site_for
from slides_operator.service.web.talks import build_talk, read_activity, read_gallery
from slides_operator.service.web.views import title_of

__all__ = ["ROUTES", "show_problems"]

INVALID = frozenset({400, 409, 415, 422})
"""Problems with what was filled in: they are told beside the form."""
CANCELLED_HERE = "Cancelled on the page"


class PlaceQuery(BaseModel):
    """Where it is."""

    namespace: str = Field(default="", description="Another namespace than the service's own.")


class TalkQuery(PlaceQuery):
    """What a talk's page says besides."""

    joined: bool = Field(default=False, description="Whether a submission led to work that runs.")


class NewQuery(PlaceQuery):
    """What the form begins with."""

    url: str = Field(default="", description="Address of a video.")


def _links(call: Call) -> Links:
    return Links(call.service.settings.default_namespace)


async def show_list(call: Call) -> web.Response:
    """Answer a page of the list."""
    await call.allow("list")
    asked: ListQuery = call.query
    found, site, now = _find(call, asked), site_for(call), call.service.clock()
    mark = mark_of(found, asked, site=site, now=now)
    if call.request.headers.get(hdrs.IF_NONE_MATCH) == mark:
        return unchanged(mark)
    places = call.service.settings.watch_namespaces
    view = build_list(found, asked, links=_links(call), namespaces=places, now=now)
    response = page("list.html", site, view=view)
    response.headers.update(marks(mark))
    return response


async def lead_home(_call: Call) -> web.Response:
    """Answer where the list is."""
    return see_other(HOME)


def _find(call: Call, asked: ListQuery) -> Found:
    store, places = call.service.store, {call.namespace}
    batch = store.get(Kind.BATCH, call.namespace, asked.batch) if asked.batch else None

    def is_in_batch(record: Record) -> bool:
        return record.batch == asked.batch

    where = is_in_batch if asked.batch else None
    found = store.list(
        Kind.EXTRACTION,
        namespaces=places,
        phases=None if asked.state == "all" else FILTERS[asked.state][1],
        search=asked.q.strip(),
        where=where,
        offset=offset_of(asked),
        limit=PAGE_SIZE,
    )
    counts = store.counts(Kind.EXTRACTION, namespaces=places)
    if batch:
        children = [record.phase for record in store.children(batch)]
        counts = {phase: children.count(phase) for phase in counts}
    return Found(found.total, found.records, counts, batch, call.namespace)


async def show_talk(call: Call) -> web.Response:
    """Answer a talk's page."""
    await call.allow("get")
    record, resource = await _read(call)
    links = _links(call)
    gallery, trouble = await read_gallery(call, record, links)
    view = build_talk(
        record,
        resource,
        links,
        call.service.clock(),
        batch=call.service.store.by_uid(record.batch),
    )
    return page(
        "talk.html",
        site_for(call),
        view=replace(view, actions=await _allowed(call, view.actions)),
        gallery=gallery,
        gallery_trouble=trouble,
        is_joined=call.query.joined,
    )


async def _allowed(call: Call, actions: Iterable[Action]) -> tuple[Action, ...]:
    """Return what the caller may do."""
    may, place = call.service.gatekeeper.may, call.namespace
    return tuple(
        [
            action
            for action in actions
            if await may(call.caller, VERBS[action.id], Kind.EXTRACTION, place)
        ]
    )


async def show_activity(call: Call) -> web.Response:
    """Answer what happened to a talk."""
    await call.allow("get")
    record, resource = await _read(call)
    view = await read_activity(call, record, resource, _links(call), call.service.clock())
    return page("activity.html", site_for(call), view=view)


async def _read(call: Call) -> tuple[Record, Json]:
    """Return a talk as the API server has it now."""
    known = find_talk(call)
    try:
        resource = await call.service.gateway.get(known.kind, known.namespace, known.name)
    except NotFoundError:
        raise ProblemError(404, f"There is no talk {known.uid} any more.") from None
    record = call.service.feed.note(resource)
    if record.uid != known.uid:
        raise ProblemError(404, f"There is no talk {known.uid} any more.")
    return record, resource


async def show_form(call: Call) -> web.Response:
    """Answer the form for a new talk."""
    return _form(call, Filled(url=call.query.url))


def _form(
    call: Call,
    filled: Filled,
    *,
    status: int = 200,
    key: str = "",
    errors: dict[str, str] | None = None,
    trouble: str = "",
) -> web.Response:
    view = build_form(
        filled,
        post=_links(call).new(call.namespace),
        key=key,
        errors=errors,
        trouble=trouble,
    )
    return page("new.html", site_for(call), status=status, view=view)


async def create(call: Call) -> web.Response:
    """Take the form, and lead to the talk that it makes."""
    sent = await receive_form(call.request)
    form = {name: value for name, value in sent.items() if isinstance(value, str)}
    many = {"documents": [str(value) for value in sent.getall("documents", [])]}
    filled, key = read_form(form, many), form.get("key", "")
    if errors := check(filled):
        return _form(call, filled, status=422, key=key, errors=errors)
    try:
        resource, joined = await submit(call, build_resource(filled), key=key or None)
    except ProblemError as e:
        if e.status not in INVALID:
            raise
        return _form(call, filled, status=e.status, trouble=e.detail)
    except RejectedError as e:
        return _form(call, filled, status=422, trouble=words_of_server(e.message))
    record = call.service.feed.note(resource)
    return see_other(_links(call).talk(record, **({"joined": "yes"} if joined else {})))


def _action(call: Call, record: Record, resource: Json) -> Action:
    """Return the action of the path, if it can be taken now. Raises ProblemError."""
    wanted = call.path("action")
    actions = {action.id: action for action in build_actions(record, resource, _links(call))}
    found = next((action for id_, action in actions.items() if id_ == wanted), None)
    if found is None:
        raise ProblemError(404, f"There is nothing to {wanted} here now.")
    return found


async def ask(call: Call) -> web.Response:
    """Answer the question before something is done."""
    await call.allow("get")
    record, resource = await _read(call)
    action = _action(call, record, resource)
    return page("confirm.html", site_for(call), action=action, title=title_of(record))


async def act(call: Call) -> web.Response:
    """Cancel, retry or delete a talk."""
    wanted = call.path("action")
    verb = next((verb for id_, verb in VERBS.items() if id_ == wanted), None)
    if verb is None:
        raise ProblemError(404, f"A talk cannot be asked to {wanted}.")
    await call.allow(verb)
    record, links = find_talk(call), _links(call)
    if wanted == "delete":
        await delete_job(call, record.uid)
        return see_other(links.home(record.namespace))
    if wanted == "cancel":
        await cancel_job(call, record.uid, CANCELLED_HERE)
    else:
        await retry_job(call, record.uid, force=True)
    return see_other(links.talk(record))


def _route(
    method: str,
    path: str,
    handler: Callable[[Call], Awaitable[web.StreamResponse]],
    summary: str,
    **more: Any,  # noqa: ANN401 - the fields of a route
) -> Route:
    made: dict[str, Any] = {"access": Access.READ, "answers": {200: HTML}, "query": PlaceQuery}
    return Route(
        method=method,
        path=path,
        handler=handler,
        summary=summary,
        tag=TAG,
        **{**made, **more},
    )


TALK = f"{HOME}/talks/{{id}}"
NEW = f"{HOME}/new"
LISTED = {200: HTML, 304: None}
MADE = {303: None, 422: HTML, **UNREADABLE_FORM}
ROUTES: tuple[Route, ...] = (
    _route("GET", HOME, show_list, "Show the list of talks", query=ListQuery, answers=LISTED),
    _route("GET", f"{HOME}/", lead_home, "Find the list of talks", answers={303: None}),
    _route("GET", NEW, show_form, "Show the form for a new talk", query=NewQuery),
    _route("POST", NEW, create, "Make a talk", access=Access.SUBMIT, answers=MADE),
    _route("GET", TALK, show_talk, "Show a talk", query=TalkQuery),
    _route("GET", f"{TALK}/activity", show_activity, "Show a talk's events and log"),
    _route("GET", f"{TALK}/{{action}}", ask, "Ask before a talk is changed"),
    _route(
        "POST",
        f"{TALK}/{{action}}",
        act,
        "Cancel, retry or delete a talk",
        access=Access.WRITE,
        answers={303: None},
    ),
    *files.ROUTES,
    *session.ROUTES,
)
