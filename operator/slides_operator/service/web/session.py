"""Signing in and out, and what a browser sees instead of a problem in JSON."""

import json
from urllib.parse import quote, urlsplit

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from slides_operator.service.access import clear_session, same_origin, set_session
from slides_operator.service.endpoint import UNREADABLE_FORM, receive_form
from slides_operator.service.parts import SERVICE, Service
from slides_operator.service.problems import MEDIA_TYPE, ProblemError
from slides_operator.service.routes import Access, Call, Route
from slides_operator.service.web.render import HOME, HTML, Site, page, see_other

TAG = "Page"
LOGIN = f"{HOME}/login"
UNKNOWN = 401
WRONG = "That is neither the password, nor the key, nor a token that is valid here."
TITLES = {
    403: "Not allowed",
    404: "Not found",
    422: "That did not work",
    429: "Too many requests",
    503: "Not available now",
}


def site_of(service: Service, *, person: bool = True, may_sign_out: bool = True) -> Site:
    """Return what pages show around their content."""
    return Site(name=service.settings.app_name, person=person, may_sign_out=may_sign_out)


def site_for(call: Call) -> Site:
    """Return the same for who is signed in."""
    return site_of(call.service, may_sign_out=call.caller.kind == "cookie")


def is_home(place: str) -> bool:
    """Return whether a place is one of our own pages: a form may send back to no other."""
    try:
        parts = urlsplit(place)
    except ValueError:
        return False
    own = not parts.scheme and not parts.netloc and "\\" not in place and place.isprintable()
    return own and (parts.path == HOME or parts.path.startswith(f"{HOME}/"))


async def show_login(call: Call) -> web.Response:
    """Answer the form."""
    place = call.request.query.get("next", HOME)
    return _login(call.service, place if is_home(place) else HOME)


def _login(service: Service, place: str, *, trouble: str = "", status: int = 200) -> web.Response:
    site = site_of(service, person=False)
    return page("login.html", site, status=status, next=place, trouble=trouble)


async def log_in(call: Call) -> web.Response:
    """Take a password, a key or a token, and give the cookie that stands for it."""
    form = await receive_form(call.request)
    place, secret = str(form.get("next", HOME)), str(form.get("password", ""))
    place = place if is_home(place) else HOME
    try:
        session = await call.service.gatekeeper.log_in(call.request, secret.strip())
    except ProblemError as e:
        words = WRONG if e.status == UNKNOWN else e.detail
        return _login(call.service, place, trouble=words, status=e.status)
    response = see_other(place)
    set_session(call.request, response, session)
    return response


async def log_out(call: Call) -> web.Response:
    """Take the cookie back. Raises ProblemError 403 where another site's page asks."""
    if not same_origin(call.request):
        raise ProblemError(403, "Only a page of this service can sign out.")
    response = see_other(LOGIN)
    clear_session(response)
    return response


@web.middleware
async def show_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Show a browser a page where it would get a problem in JSON, and who is unknown the form."""
    response = await handler(request)
    is_page = request.path == HOME or request.path.startswith(f"{HOME}/")
    wants_page = HTML in request.headers.get(hdrs.ACCEPT, "")
    if not (is_page and wants_page and response.content_type == MEDIA_TYPE):
        return response
    if response.status == UNKNOWN:
        place = request.path_qs if request.method == hdrs.METH_GET else HOME
        return see_other(f"{LOGIN}?next={quote(place, safe='')}")
    return _show(request, response)


def _show(request: web.Request, response: web.StreamResponse) -> web.Response:
    body = response.body if isinstance(response, web.Response) else b""
    problem = json.loads(body if isinstance(body, bytes) else b"{}")
    shown = page(
        "error.html",
        site_of(request.app[SERVICE], may_sign_out=False),
        status=response.status,
        title=TITLES.get(response.status, problem.get("title", "")),
        detail=problem.get("detail", ""),
    )
    for name in (hdrs.RETRY_AFTER, hdrs.ALLOW):
        if name in response.headers:
            shown.headers[name] = response.headers[name]
    return shown


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path=LOGIN,
        handler=show_login,
        summary="Show the form to sign in",
        tag=TAG,
        access=Access.OPEN,
        answers={200: HTML},
    ),
    Route(
        method="POST",
        path=LOGIN,
        handler=log_in,
        summary="Sign in: a password, a key or a token for a cookie",
        tag=TAG,
        access=Access.OPEN,
        answers={303: None, 401: HTML, 403: HTML, 422: HTML, 429: HTML, **UNREADABLE_FORM},
    ),
    Route(
        method="POST",
        path=f"{HOME}/logout",
        handler=log_out,
        summary="Sign out",
        tag=TAG,
        access=Access.OPEN,
        answers={303: None, 403: None},
    ),
)
