"""Who calls, and what they may do.

Three ways to say who one is: the shared password (`Authorization: Bearer`), the shared key
(`X-API-Key`), or a token of the cluster (Bearer as well). Where a browser cannot send headers, a
signed ticket in the URL or the page's cookie stands for one of them. The password, the key and
what they signed may do everything here; a token may do what Kubernetes lets its owner do.
"""

import hashlib
import hmac
import ipaddress
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal

import structlog
from aiohttp import hdrs, web
from pydantic import SecretStr

from slides_operator.errors import FORBIDDEN, ApiError, SettingsError
from slides_operator.kube.cache import PLURALS, Kind
from slides_operator.service import audit
from slides_operator.service.gateway import Gateway
from slides_operator.service.limits import Limits
from slides_operator.service.peers import bucket_of, peer_address
from slides_operator.service.problems import ProblemError
from slides_operator.service.recent import Recent
from slides_operator.service.settings import ServiceSettings
from slides_operator.service.tickets import Claims, Purpose, Signer, TooLongError

CallerKind = Literal["password", "key", "token", "ticket", "cookie", "anonymous"]

INVALID = "Invalid or missing API password"
NOT_CONFIGURED = "API password is not configured"
CHALLENGE: Mapping[str, str] = {hdrs.WWW_AUTHENTICATE: 'Bearer realm="slides-extractor"'}
KEY_HEADER = "X-API-Key"
TICKET = "ticket"
"""Parameter of the query that carries one."""
COOKIE = "slides-session"
LOCALHOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

TICKET_S = 60.0
"""Chosen: from asking for a stream's ticket to opening it takes a browser a second."""
SESSION_S = 12 * 3600.0
"""Chosen: a working day; then the page asks again."""
REVIEW_KEPT_S = 60.0
"""How long a token's review holds: so long after it is revoked it may still be taken."""
REFUSAL_KEPT_S = 10.0
"""Chosen: a wrong token sent in a loop costs the API server one review in so many seconds."""
RIGHT_KEPT_S = 10.0
"""Chosen: a page's burst of requests asks once, and a new Role is felt while one looks."""
KEPT = 10_000
"""Chosen: answers kept, of tokens and of rights; together some 10 MB."""
# RFC 6750 2.1: what can be a Bearer token at all.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_PORT = re.compile(r":\d+\Z")

log = structlog.get_logger("slides_operator.service.access")


@dataclass(frozen=True, slots=True)
class User:
    """A user of the cluster, as a TokenReview names one."""

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a request comes from."""

    name: str
    kind: CallerKind
    user: User | None = None
    """Whose rights bound the caller's; None: they may do everything here."""
    address: str = field(default="", compare=False)

    @property
    def identity(self) -> str:
        """What requests are counted by: the same, however a caller says who they are."""
        if self.kind == "anonymous":
            return f"address:{bucket_of(self.address)}"
        return f"user:{self.name}" if self.user else f"shared:{self.name}"


PASSWORD_NAME: Final = "api-password"  # noqa: S105 - its name, not its content
KEY_NAME: Final = "api-key"
ANONYMOUS = Caller("anonymous", "anonymous")


def require_keys(settings: ServiceSettings, *, insecure: bool) -> None:
    """Refuse to start open to everybody, unless told to. Raises SettingsError."""
    if insecure and settings.environment == "production":
        raise SettingsError(
            "--insecure lets everybody do everything: it needs ENVIRONMENT=development"
        )
    if not insecure and not settings.protected:
        raise SettingsError(
            f"{NOT_CONFIGURED}: set API_PASSWORD or API_KEY, or start with --insecure"
        )


class Gatekeeper:
    """Finds out who calls, and whether they may."""

    def __init__(
        self,
        settings: ServiceSettings,
        gateway: Gateway,
        limits: Limits,
        *,
        insecure: bool = False,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take what holds as long as the service runs. Raises SettingsError."""
        self._secrets = {
            PASSWORD_NAME: _plain(settings.api_password),
            KEY_NAME: _plain(settings.api_key),
        }
        self._gateway = gateway
        self._limits = limits
        self._insecure = insecure
        self._trusted = [ipaddress.ip_network(one) for one in settings.trusted_proxies]
        self._signer = Signer(settings.secret_key.get_secret_value(), now)
        self._reviews: Recent[User | None] = Recent(size=KEPT, clock=clock)
        self._rights: Recent[bool] = Recent(size=KEPT, clock=clock)
        if "secret_key" not in settings.model_fields_set:
            log.warning(
                "SECRET_KEY is not set: tickets and the page's sessions end with this process, "
                "and no other replica takes them"
            )

    async def identify(self, request: web.Request, *, streams: bool = False) -> Caller:
        """Return who calls; a ticket counts where the answer is a stream.

        Raises ProblemError 401, 403 for a cookie that another site's page sent along, 429 after
        too many wrong attempts, and ApiError where the API server cannot be asked about a token.
        """
        address = self.address_of(request)
        if self._insecure:
            return Caller("anonymous", "anonymous", address=address)
        if hdrs.AUTHORIZATION in request.headers or KEY_HEADER in request.headers:
            return await self._by_header(request, address)
        if streams and request.method == hdrs.METH_GET and TICKET in request.query:
            return self._by_ticket(request, address)
        if caller := await self._by_cookie(request, address):
            return caller
        raise _unknown()

    async def may(self, caller: Caller, verb: str, kind: Kind, namespace: str) -> bool:
        """Return whether a caller may do this to resources of a namespace. Raises ApiError."""
        user = caller.user
        if user is None:
            return True

        async def ask() -> tuple[bool, float]:
            allowed = await self._gateway.review_access(
                user.name,
                user.groups,
                verb,
                PLURALS[kind],
                namespace,
                uid=user.uid,
                extra=dict(user.extra),
            )
            return allowed, RIGHT_KEPT_S

        return await self._rights.get((user, verb, kind, namespace), ask)

    async def log_in(self, request: web.Request, secret: str) -> str:
        """Return the session of whose password, key or token this is, for `set_session`.

        Raises ProblemError 401, 403, 422 for a token that no cookie can hold, 429; and ApiError.
        """
        with audit.refusals_told(request.method, request.path):  # whoever asks shows them a form
            if not same_origin(request):
                raise _foreign()
            caller = await self._by_secrets(self.address_of(request), bearer=secret, key=secret)
        if caller.user:
            claims: Claims = {"token": secret}  # asked about again: a session ends with its token
        else:
            claims = {"name": caller.name, "of": self._signer.fingerprint(secret)}
        try:
            return self._signer.sign(Purpose.SESSION, claims, lifetime_s=SESSION_S)[0]
        except TooLongError:
            raise ProblemError(422, "This token is too long for a browser to keep.") from None

    def ticket_for(self, caller: Caller, path: str) -> tuple[str, datetime]:
        """Return a ticket for one path and this caller's rights, and when it expires.

        Raises TooLongError.
        """
        claims: Claims = {"path": path, "name": caller.name}
        if caller.user:
            claims["user"] = [caller.user.uid, caller.user.groups, caller.user.extra]
        return self._signer.sign(Purpose.TICKET, claims, lifetime_s=TICKET_S)

    def address_of(self, request: web.BaseRequest) -> str:
        """Return the address that a request comes from, TRUSTED_PROXIES left out."""
        forwarded = request.headers.getall("X-Forwarded-For", [])
        return peer_address(request.remote, forwarded, self._trusted)

    async def _by_header(self, request: web.Request, address: str) -> Caller:
        bearer = _bearer(request.headers.get(hdrs.AUTHORIZATION, ""))
        key = request.headers.get(KEY_HEADER, "")
        return await self._by_secrets(address, bearer=bearer, key=key)

    async def _by_secrets(self, address: str, *, bearer: str, key: str) -> Caller:
        if self._reviews.holds(_hashed(bearer)) and (user := await self._review(bearer)):
            return Caller(user.name, "token", user, address)  # known already, so it is no guess
        await self._limits.check_failures(bucket_of(address))
        if self._is(PASSWORD_NAME, bearer):
            return Caller(PASSWORD_NAME, "password", address=address)
        if self._is(KEY_NAME, key):
            return Caller(KEY_NAME, "key", address=address)
        if user := await self._review(bearer):
            return Caller(user.name, "token", user, address)
        await self._limits.note_failure(bucket_of(address), _hashed(bearer or key))
        raise _unknown()

    def _by_ticket(self, request: web.Request, address: str) -> Caller:
        claims = self._signer.read(Purpose.TICKET, request.query[TICKET])
        if claims is None or claims["path"] != request.path:
            raise _unknown()
        user = None
        if "user" in claims:
            uid, groups, extra = claims["user"]
            user = User(claims["name"], uid, tuple(groups), _frozen(extra))
        return Caller(claims["name"], "ticket", user, address)

    async def _by_cookie(self, request: web.Request, address: str) -> Caller | None:
        claims = self._signer.read(Purpose.SESSION, request.cookies.get(COOKIE, ""))
        if claims is None:
            return None
        if _changes_something(request) and not same_origin(request):
            raise _foreign()
        if token := claims.get("token"):
            user = await self._review(token)
            return Caller(user.name, "cookie", user, address) if user else None
        name = claims["name"]
        if not self._signer.is_of(claims["of"], self._secrets[name]):
            return None  # the password or key that opened it is another by now
        return Caller(name, "cookie", address=address)

    async def _review(self, token: str) -> User | None:
        if not _TOKEN.fullmatch(token):
            return None
        return await self._reviews.get(_hashed(token), lambda: self._ask_about(token))

    async def _ask_about(self, token: str) -> tuple[User | None, float]:
        try:
            status = await self._gateway.review_token(token)
        except ApiError as e:
            if e.status != FORBIDDEN:
                raise
            log.warning("this service may not review tokens", error=e.message)
            return None, REFUSAL_KEPT_S
        if not status.get("authenticated"):
            return None, REFUSAL_KEPT_S
        user = status["user"]
        found = User(
            user["username"],
            user.get("uid", ""),
            tuple(user.get("groups", ())),
            _frozen(list(user.get("extra", {}).items())),
        )
        return found, REVIEW_KEPT_S

    def _is(self, name: str, given: str) -> bool:
        """Compare in a time that tells nothing, not even the length."""
        wanted = self._secrets[name]
        return bool(wanted) & hmac.compare_digest(_hashed(wanted), _hashed(given))


def set_session(request: web.BaseRequest, response: web.StreamResponse, session: str) -> None:
    """Give the browser its session: for pages of this origin, out of reach of their scripts."""
    response.set_cookie(
        COOKIE,
        session,
        max_age=int(SESSION_S),
        httponly=True,
        samesite="Strict",
        secure=not _is_localhost(request),
    )


def clear_session(response: web.StreamResponse) -> None:
    """End the browser's session."""
    response.del_cookie(COOKIE, samesite="Strict", httponly=True)


def _is_localhost(request: web.BaseRequest) -> bool:
    """Return whether the browser needs no TLS to keep what it sends from others.

    It may have come by TLS all the same: between a proxy and here there is none.
    """
    return _PORT.sub("", request.host).strip("[]") in LOCALHOSTS


def same_origin(request: web.BaseRequest) -> bool:
    """Return whether a browser sent this from one of our own pages.

    Browsers say so by Sec-Fetch-Site over TLS and on localhost, elsewhere by Origin.
    """
    if site := request.headers.get("Sec-Fetch-Site"):
        return site == "same-origin"
    origin = request.headers.get(hdrs.ORIGIN, "")
    return bool(request.host) and origin.partition("://")[2].lower() == request.host.lower()


def _changes_something(request: web.BaseRequest) -> bool:
    """Return whether a request does more than read; a WebSocket, too, knows no other check."""
    upgrades = request.headers.get(hdrs.UPGRADE, "").lower() == "websocket"
    return upgrades or request.method not in SAFE_METHODS


def _bearer(header: str) -> str:
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _hashed(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="surrogateescape")).digest()


def _plain(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""


def _frozen(extra: Sequence[tuple[str, Sequence[str]]]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((key, tuple(values)) for key, values in extra)


def _unknown() -> ProblemError:
    return ProblemError(401, INVALID, headers=CHALLENGE)


def _foreign() -> ProblemError:
    return ProblemError(403, "A page of another origin may not use this page's session.")
