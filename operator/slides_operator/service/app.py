"""The service as an aiohttp application: every route, and what holds for all."""

from collections.abc import Collection, Iterable, Sequence
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import NoReturn

from aiohttp import hdrs, web

from slides_operator.service import docs_pages, sockets, streams
from slides_operator.service.docs_pages import DOCUMENT, write_document
from slides_operator.service.endpoint import build_endpoint
from slides_operator.service.middlewares import (
    answer_preflights,
    answer_problems,
    finish,
    observe,
)
from slides_operator.service.parts import SERVICE, Service
from slides_operator.service.rest import (
    jobs,
    pipeline,
    queue,
    results,
    tickets,
    transcribe,
    youtube,
)
from slides_operator.service.rest import service as of_service
from slides_operator.service.routes import Route
from slides_operator.service.web import page

__all__ = ["ROUTES", "SERVICE", "Service", "build_app"]

ROUTES: tuple[Route, ...] = (
    *of_service.ROUTES,
    *youtube.ROUTES,
    *streams.ROUTES,
    *pipeline.ROUTES,
    *jobs.ROUTES,
    *queue.ROUTES,
    *sockets.ROUTES,
    *transcribe.ROUTES,
    *results.ROUTES,
    *tickets.ROUTES,
    *page.ROUTES,
    *docs_pages.ROUTES,
)
"""In the order in which the API's description shows them."""


def build_app(service: Service, routes: Sequence[Route] = ROUTES) -> web.Application:
    """Return the application."""
    app = web.Application(
        middlewares=[observe, page.show_problems, answer_problems, answer_preflights],
        client_max_size=service.settings.max_body_bytes,
    )
    app[SERVICE] = service
    add_routes(app.router, routes)
    app[DOCUMENT] = write_document(routes, title=service.settings.app_name)
    app.on_response_prepare.append(finish)
    return app


def add_routes(router: web.UrlDispatcher, routes: Iterable[Route]) -> None:
    """Have a router lead to each route; what can be read can be asked for by HEAD too.

    A path is itself for every method: DELETE /jobs/statistics is no job of that name.
    """
    for path, rows in groupby(in_order(routes), key=attrgetter("path")):
        endpoints = {}
        for route in rows:
            endpoints[route.method] = endpoint = build_endpoint(route)
            if route.method == hdrs.METH_GET and not route.streams:
                endpoints.setdefault(hdrs.METH_HEAD, endpoint)
        for method, endpoint in endpoints.items():
            router.add_route(method, path, endpoint)
        router.add_route(hdrs.METH_ANY, path, partial(_refuse_method, frozenset(endpoints)))


async def _refuse_method(allowed: Collection[str], request: web.Request) -> NoReturn:
    raise web.HTTPMethodNotAllowed(request.method, allowed)


def in_order(routes: Iterable[Route]) -> list[Route]:
    """Return routes with literal paths before the patterns that would take theirs."""
    return sorted(routes, key=_place)


def _place(route: Route) -> tuple[list[bool], str]:
    return ["{" in part for part in route.path.split("/")], route.path
