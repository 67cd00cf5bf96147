"""The service as an aiohttp application: every route, and what holds for all."""

from collections.abc import Iterable, Sequence

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


def add_routes(router: web.UrlDispatcher, routes: Sequence[Route]) -> None:
    """Have a router lead to each route; what can be read can be asked for by HEAD too."""
    taken = {(route.method, route.path) for route in routes}
    for route in in_order(routes):
        endpoint = build_endpoint(route)
        router.add_route(route.method, route.path, endpoint)
        head = (hdrs.METH_HEAD, route.path)
        if route.method == hdrs.METH_GET and not route.streams and head not in taken:
            router.add_route(hdrs.METH_HEAD, route.path, endpoint)


def in_order(routes: Iterable[Route]) -> list[Route]:
    """Return routes with literal paths before the patterns that would take theirs."""
    return sorted(routes, key=lambda route: ["{" in part for part in route.path.split("/")])
