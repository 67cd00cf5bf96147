"""Who calls, by password, key, ticket or cookie; and that guessing and forging lead nowhere."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from slides_operator.errors import SettingsError
from slides_operator.kube.client import Client, TokenBucket, open_api
from slides_operator.metrics import Metrics
from slides_operator.service.access import (
    COOKIE,
    Caller,
    Gatekeeper,
    clear_session,
    require_keys,
    same_origin,
    set_session,
)
from slides_operator.service.gateway import Gateway
from slides_operator.service.limits import Limits
from slides_operator.service.problems import ProblemError
from tests.service.conftest import KEY, PASSWORD, build_settings

PATH = "/jobs/talk/stream"
NO_CLUSTER = """
{"apiVersion": "v1", "kind": "Config", "current-context": "none",
 "contexts": [{"name": "none", "context": {"cluster": "none", "user": "none"}}],
 "clusters": [{"name": "none", "cluster": {"server": "http://127.0.0.1:1"}}],
 "users": [{"name": "none", "user": {}}]}
"""


class Clock:
    """A time that a test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 2, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


Make = Callable[..., Gatekeeper]


@pytest.fixture
async def make(tmp_path: Any, monkeypatch: pytest.MonkeyPatch, clock: Clock) -> AsyncIterator[Make]:
    """Make gatekeepers beside which no API server answers: what passes needs none."""
    config = tmp_path / "kubeconfig"
    config.write_text(NO_CLUSTER)
    monkeypatch.setenv("KUBECONFIG", str(config))
    async with open_api() as api:
        gateway = Gateway(Client(api, TokenBucket(1000, 1000), Metrics()))

        def make_one(*, insecure: bool = False, **settings: Any) -> Gatekeeper:
            chosen = build_settings("talks", **settings)
            return Gatekeeper(chosen, gateway, Limits(""), insecure=insecure, now=clock)

        yield make_one


@pytest.fixture
def gatekeeper(make: Make) -> Gatekeeper:
    return make()


def request(
    headers: dict[str, str] | None = None, *, method: str = "GET", path: str = PATH
) -> web.Request:
    return make_mocked_request(method, path, headers={"Host": "slides.example", **(headers or {})})


def with_cookie(session: str, **headers: str) -> dict[str, str]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"Cookie": f"{COOKIE}={session}", **named}


async def refusal(gatekeeper: Gatekeeper, sent: web.Request, **options: bool) -> ProblemError:
    with pytest.raises(ProblemError) as caught:
        await gatekeeper.identify(sent, **options)
    return caught.value


@pytest.mark.parametrize(
    ("headers", "want"),
    [
        ({"Authorization": f"Bearer {PASSWORD}"}, Caller("api-password", "password")),
        ({"Authorization": f"bearer  {PASSWORD}"}, Caller("api-password", "password")),
        ({"X-API-Key": KEY}, Caller("api-key", "key")),
        ({"X-API-Key": KEY, "Authorization": "Basic eDp5"}, Caller("api-key", "key")),
    ],
)
async def test_password_and_key_are_known(
    gatekeeper: Gatekeeper, headers: dict[str, str], want: Caller
) -> None:
    assert await gatekeeper.identify(request(headers)) == want


# No `wrong` here could be a token of the cluster, so that nobody has to be asked about it.
@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"Authorization": ""}, id="empty"),
        pytest.param({"Authorization": "Bearer"}, id="no password"),
        pytest.param({"Authorization": "Bearer "}, id="empty password"),
        pytest.param({"Authorization": f"Basic {PASSWORD}"}, id="another scheme"),
        pytest.param({"Authorization": PASSWORD}, id="no scheme"),
        pytest.param({"Authorization": "Bearer wrong word"}, id="wrong"),
        pytest.param({"Authorization": "Bearer geh\u00e4im"}, id="not ASCII"),
        pytest.param({"Authorization": f"Bearer !{'a' * 4000}"}, id="long"),
        pytest.param({"X-API-Key": ""}, id="empty key"),
        pytest.param({"X-API-Key": PASSWORD}, id="the password as key"),
        pytest.param({"X-API-Key": KEY[:-1]}, id="shorter"),
        pytest.param({"X-API-Key": f"{KEY}{KEY}"}, id="longer"),
    ],
)
async def test_who_is_unknown_is_told_how_to_say_it(
    gatekeeper: Gatekeeper, headers: dict[str, str]
) -> None:
    problem = await refusal(gatekeeper, request(headers))

    assert (problem.status, problem.detail) == (401, "Invalid or missing API password")
    assert problem.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("unset", "headers"),
    [
        ("api_password", {"Authorization": "Bearer "}),
        ("api_password", {"Authorization": "Bearer"}),
        ("api_key", {"X-API-Key": ""}),
    ],
)
async def test_an_empty_secret_is_never_the_right_one(
    make: Make, unset: str, headers: dict[str, str]
) -> None:
    gatekeeper = make(**{unset: None})

    assert (await refusal(gatekeeper, request(headers))).status == 401


async def test_a_password_of_any_letters_is_known(make: Make) -> None:
    gatekeeper = make(api_password="geh\u00e4im\u2603")

    caller = await gatekeeper.identify(request({"Authorization": "Bearer geh\u00e4im\u2603"}))

    assert caller.kind == "password"


async def test_everybody_passes_where_it_was_told_so(make: Make) -> None:
    gatekeeper = make(insecure=True, api_password=None, api_key=None)

    assert (await gatekeeper.identify(request())).kind == "anonymous"
    assert (await gatekeeper.identify(request({"Authorization": "Bearer x"}))).kind == "anonymous"


@pytest.mark.parametrize(
    ("settings", "insecure", "why"),
    [
        ({"api_password": None, "api_key": None}, False, "API password is not configured"),
        ({"api_password": "", "api_key": ""}, False, "API password is not configured"),
        ({"environment": "production"}, True, "--insecure"),
    ],
)
def test_it_refuses_to_start_open_to_everybody(
    settings: dict[str, Any], insecure: bool, why: str
) -> None:
    with pytest.raises(SettingsError, match=why):
        require_keys(build_settings("talks", **settings), insecure=insecure)


def test_it_starts_with_one_secret_or_told_to_do_without() -> None:
    require_keys(build_settings("talks", api_password=None), insecure=False)
    require_keys(build_settings("talks", api_key=None), insecure=False)
    open_to_all = build_settings(
        "talks", api_password=None, api_key=None, environment="development"
    )
    require_keys(open_to_all, insecure=True)


async def test_guessing_ends_for_an_address_and_for_it_alone(gatekeeper: Gatekeeper) -> None:
    for number in range(30):
        guess = request({"X-API-Key": f"guess {number}"})
        assert (await refusal(gatekeeper, guess)).status == 401

    problem = await refusal(gatekeeper, request({"X-API-Key": KEY}))
    assert (problem.status, problem.headers["Retry-After"].isdecimal()) == (429, True)


async def test_guesses_count_for_who_made_them_behind_a_proxy(make: Make) -> None:
    gatekeeper = make(trusted_proxies="10.0.0.0/8")
    for number in range(40):
        sent = {"X-API-Key": f"guess {number}", "X-Forwarded-For": "203.0.113.7, 10.0.0.1"}
        await refusal(gatekeeper, _from("10.0.0.2", sent))

    sent = {"X-API-Key": KEY, "X-Forwarded-For": "203.0.113.7"}
    assert (await refusal(gatekeeper, _from("10.0.0.2", sent))).status == 429
    other = {"X-API-Key": KEY, "X-Forwarded-For": "203.0.113.8"}
    assert (await gatekeeper.identify(_from("10.0.0.2", other))).address == "203.0.113.8"


def _from(remote: str, headers: dict[str, str]) -> web.Request:
    return request(headers).clone(remote=remote)


async def test_a_ticket_opens_its_own_stream(gatekeeper: Gatekeeper) -> None:
    ticket, _ = gatekeeper.ticket_for(Caller("api-password", "password"), PATH)

    caller = await gatekeeper.identify(request(path=f"{PATH}?ticket={ticket}"), streams=True)

    assert caller == Caller("api-password", "ticket")
    assert caller.identity == Caller("api-password", "password").identity


async def test_a_ticket_opens_nothing_else(gatekeeper: Gatekeeper, clock: Clock) -> None:
    ticket, expires_at = gatekeeper.ticket_for(Caller("api-password", "password"), PATH)

    stream = request(path=f"{PATH}?ticket={ticket}")
    other = request(path=f"/jobs/other/stream?ticket={ticket}")
    posted = request(path=f"{PATH}?ticket={ticket}", method="POST")
    forged = request(path=f"{PATH}?ticket=x{ticket}")
    assert (await refusal(gatekeeper, stream)).status == 401
    assert (await refusal(gatekeeper, other, streams=True)).status == 401
    assert (await refusal(gatekeeper, posted, streams=True)).status == 401
    assert (await refusal(gatekeeper, forged, streams=True)).status == 401
    assert expires_at - clock.now == timedelta(seconds=60)
    clock.now = expires_at
    assert (await refusal(gatekeeper, stream, streams=True)).status == 401


async def log_in(gatekeeper: Gatekeeper, secret: str = PASSWORD) -> str:
    sent = request({"Origin": "https://slides.example"}, method="POST", path="/ui/login")
    return await gatekeeper.log_in(sent, secret)


@pytest.mark.parametrize(("secret", "name"), [(PASSWORD, "api-password"), (KEY, "api-key")])
async def test_a_session_stands_for_the_secret_that_opened_it(
    gatekeeper: Gatekeeper, secret: str, name: str
) -> None:
    session = await log_in(gatekeeper, secret)

    assert await gatekeeper.identify(request(with_cookie(session))) == Caller(name, "cookie")
    assert secret not in session


async def test_a_session_ends_with_the_day(gatekeeper: Gatekeeper, clock: Clock) -> None:
    session = await log_in(gatekeeper)
    clock.now += timedelta(hours=12)

    assert (await refusal(gatekeeper, request(with_cookie(session)))).status == 401


async def test_a_session_ends_with_the_password_that_opened_it(make: Make) -> None:
    session = await log_in(make())

    changed = make(api_password="another")
    assert (await refusal(changed, request(with_cookie(session)))).status == 401
    assert (await make(api_key="another").identify(request(with_cookie(session)))).kind == "cookie"


async def test_a_session_outlives_a_change_of_the_signing_key(make: Make) -> None:
    old, new = "an-old-key-of-enough", "a-new-key-of-enough"
    session = await log_in(make(secret_key=old))

    sent = request(with_cookie(session))
    assert (await make(secret_key=f"{new},{old}").identify(sent)).kind == "cookie"
    assert (await refusal(make(secret_key=new), sent)).status == 401


async def test_a_ticket_is_no_session(gatekeeper: Gatekeeper) -> None:
    ticket, _ = gatekeeper.ticket_for(Caller("api-password", "password"), PATH)

    assert (await refusal(gatekeeper, request(with_cookie(ticket)))).status == 401


async def test_wrong_credentials_are_not_made_good_by_a_cookie(gatekeeper: Gatekeeper) -> None:
    session = await log_in(gatekeeper)

    sent = request({**with_cookie(session), "X-API-Key": "wrong"})
    assert (await refusal(gatekeeper, sent)).status == 401


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Sec_Fetch_Site": "cross-site"}, id="another site"),
        pytest.param({"Sec_Fetch_Site": "same-site"}, id="a sister of this site"),
        pytest.param({"Sec_Fetch_Site": "none"}, id="no page at all"),
        pytest.param(
            {"Sec_Fetch_Site": "cross-site", "Origin": "https://slides.example"}, id="forged origin"
        ),
        pytest.param({"Origin": "https://evil.example"}, id="another origin"),
        pytest.param({"Origin": "https://slides.example.evil.example"}, id="a longer origin"),
        pytest.param({"Origin": "https://slides.example:8443"}, id="another port"),
        pytest.param({"Origin": "null"}, id="a sandbox"),
        pytest.param({}, id="no word of the browser"),
    ],
)
async def test_another_sites_page_cannot_write_with_the_cookie(
    gatekeeper: Gatekeeper, headers: dict[str, str]
) -> None:
    session = await log_in(gatekeeper)
    sent = with_cookie(session, **headers)

    posted = await refusal(gatekeeper, request(sent, method="POST"))
    socket = await refusal(gatekeeper, request({**sent, "Upgrade": "websocket"}), streams=True)

    assert (posted.status, socket.status) == (403, 403)


@pytest.mark.parametrize(
    "headers", [{"Sec_Fetch_Site": "same-origin"}, {"Origin": "https://slides.example"}]
)
async def test_our_own_page_writes_with_the_cookie(
    gatekeeper: Gatekeeper, headers: dict[str, str]
) -> None:
    session = await log_in(gatekeeper)

    sent = request(with_cookie(session, **headers), method="DELETE")
    assert (await gatekeeper.identify(sent)).kind == "cookie"


async def test_another_sites_page_cannot_sign_anybody_in(gatekeeper: Gatekeeper) -> None:
    sent = request({"Origin": "https://evil.example"}, method="POST", path="/ui/login")

    with pytest.raises(ProblemError) as caught:
        await gatekeeper.log_in(sent, PASSWORD)
    assert caught.value.status == 403


async def test_signing_in_counts_as_guessing_too(gatekeeper: Gatekeeper) -> None:
    for number in range(30):
        with pytest.raises(ProblemError, match="Invalid"):
            await log_in(gatekeeper, f"guess {number}")

    with pytest.raises(ProblemError, match="Too many"):
        await log_in(gatekeeper)


@pytest.mark.parametrize(
    ("host", "secure"),
    [
        ("slides.example", True),
        ("10.0.0.5:8000", True),
        ("localhost.evil.example", True),
        ("localhost:8000", False),
        ("127.0.0.1", False),
        ("[::1]:8000", False),
        ("[::1]", False),
    ],
)
def test_the_cookie_stays_out_of_reach(host: str, secure: bool) -> None:
    response = web.Response()

    set_session(request({"Host": host}), response, "x")

    cookie = response.cookies[COOKIE]
    assert (cookie["samesite"], cookie["httponly"], cookie["path"]) == ("Strict", True, "/")
    assert bool(cookie["secure"]) is secure


def test_signing_out_takes_the_cookie_back() -> None:
    response = web.Response()

    clear_session(response)

    assert response.cookies[COOKIE]["max-age"] == "0"


def test_no_host_has_no_origin() -> None:
    assert not same_origin(make_mocked_request("POST", "/", headers={"Host": "", "Origin": ""}))
