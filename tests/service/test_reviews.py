"""What the API server is asked about tokens and rights: seldom, and soon enough."""

import asyncio
import json

import pytest
from aiohttp.test_utils import make_mocked_request
from structlog.testing import capture_logs

from slides_operator.errors import UnreachableError
from slides_operator.kube.cache import Kind
from slides_operator.kube.client import Client, TokenBucket, open_api
from slides_operator.service.access import Caller, Gatekeeper, User
from slides_operator.service.gateway import Gateway
from slides_operator.service.limits import Limits
from slides_operator.service.metrics import ServiceMetrics
from slides_operator.service.problems import ProblemError
from tests.cluster.light import LightCluster
from tests.service.accounts import Account, make_account
from tests.service.conftest import PASSWORD, build_settings

pytestmark = pytest.mark.api


class Clock:
    """A time that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Reviews:
    """A gatekeeper on the real API server, whose questions are counted."""

    def __init__(self, client: Client, namespace: str) -> None:
        self.metrics = ServiceMetrics()
        self.clock = Clock()
        own = Client(client._api, TokenBucket(1000, 1000), self.metrics)  # noqa: SLF001 - the same connections, other counters
        self.gatekeeper = Gatekeeper(
            build_settings(namespace), Gateway(own), Limits(""), clock=self.clock
        )

    @property
    def asked(self) -> float:
        """How often the API server was asked to review something."""
        labels = {"verb": "create", "code": "201"}
        name = "slides_service_api_requests_total"
        return self.metrics.registry.get_sample_value(name, labels) or 0

    async def identify(self, token: str) -> Caller:
        headers = {"Authorization": f"Bearer {token}"}
        return await self.gatekeeper.identify(make_mocked_request("GET", "/jobs", headers=headers))


@pytest.fixture
def reviews(api: Client, namespace: str) -> Reviews:
    return Reviews(api, namespace)


async def test_a_token_is_asked_about_once_a_minute(
    reviews: Reviews, light_cluster: LightCluster, namespace: str
) -> None:
    account = await make_account(light_cluster, namespace)

    callers = await asyncio.gather(*(reviews.identify(account.token) for _ in range(50)))
    assert {caller.name for caller in callers} == {account.user}
    assert reviews.asked == 1

    reviews.clock.now = 61
    await reviews.identify(account.token)
    assert reviews.asked == 2


async def test_a_token_whose_account_is_gone_ends_within_a_minute(
    reviews: Reviews, light_cluster: LightCluster, namespace: str
) -> None:
    account = await make_account(light_cluster, namespace)
    await reviews.identify(account.token)
    where = f"--namespace={namespace}"
    light_cluster.kubectl("delete", "serviceaccount", account.name, where)

    reviews.clock.now = 61
    await _until_refused(reviews, account)


async def _until_refused(reviews: Reviews, account: Account) -> None:
    """The API server itself takes a token for some seconds after its account is gone."""
    async with asyncio.timeout(30):
        while await _is_known(reviews, account):
            reviews.clock.now += 61
            await asyncio.sleep(0.5)


async def _is_known(reviews: Reviews, account: Account) -> bool:
    try:
        await reviews.identify(account.token)
    except ProblemError:
        return False
    return True


async def test_rights_are_asked_for_once_and_felt_soon(
    reviews: Reviews, light_cluster: LightCluster, namespace: str
) -> None:
    account = await make_account(light_cluster, namespace, "get")
    caller = await reviews.identify(account.token)
    before = reviews.asked

    for _ in range(20):
        assert await reviews.gatekeeper.may(caller, "get", Kind.EXTRACTION, namespace)
        assert not await reviews.gatekeeper.may(caller, "delete", Kind.EXTRACTION, namespace)
    assert reviews.asked - before == 2

    light_cluster.kubectl("delete", "rolebinding", account.name, f"--namespace={namespace}")
    reviews.clock.now += 11
    assert not await reviews.gatekeeper.may(caller, "get", Kind.EXTRACTION, namespace)


async def test_the_password_asks_the_cluster_nothing(reviews: Reviews, namespace: str) -> None:
    caller = await reviews.identify(PASSWORD)

    assert await reviews.gatekeeper.may(caller, "delete", Kind.BATCH, namespace)
    assert reviews.asked == 0


async def test_a_session_opened_with_a_token_has_its_rights(
    reviews: Reviews, light_cluster: LightCluster, namespace: str
) -> None:
    account = await make_account(light_cluster, namespace, "list")
    here = {"Host": "slides.example", "Origin": "https://slides.example"}
    session = await reviews.gatekeeper.log_in(
        make_mocked_request("POST", "/ui/login", headers=here), account.token
    )

    cookie = {**here, "Cookie": f"slides-session={session}"}
    caller = await reviews.gatekeeper.identify(make_mocked_request("GET", "/ui", headers=cookie))

    assert (caller.kind, caller.name) == ("cookie", account.user)
    assert await reviews.gatekeeper.may(caller, "list", Kind.EXTRACTION, namespace)
    assert not await reviews.gatekeeper.may(caller, "create", Kind.EXTRACTION, namespace)


async def test_without_the_right_to_review_every_token_is_refused(
    light_cluster: LightCluster, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the chart's `service.kubernetesTokens` is false; the password is as good as ever."""
    powerless = await make_account(light_cluster, namespace)
    config = light_cluster.as_token(powerless.token)
    monkeypatch.setenv("KUBECONFIG", str(config.kubeconfig))
    async with open_api() as api:
        client = Client(api, TokenBucket(1000, 1000), ServiceMetrics())
        reviews = Reviews(client, namespace)
        with capture_logs() as lines, pytest.raises(ProblemError) as caught:
            await reviews.identify(powerless.token)
        assert (await reviews.identify(PASSWORD)).kind == "password"

    assert caught.value.status == 401
    assert [line["event"] for line in lines] == ["this service may not review tokens"]
    assert powerless.token not in json.dumps(lines, default=str)


async def test_an_api_server_that_is_away_refuses_nobody_for_good(
    reviews: Reviews, light_cluster: LightCluster, namespace: str
) -> None:
    """401 would have clients throw away what is right."""
    account = await make_account(light_cluster, namespace)
    user = Caller(account.user, "token", User(account.user))
    light_cluster.stop("kube-apiserver")
    try:
        with pytest.raises(UnreachableError):
            await reviews.identify(account.token)
        with pytest.raises(UnreachableError):
            await reviews.gatekeeper.may(user, "get", Kind.EXTRACTION, namespace)
    finally:
        await asyncio.to_thread(light_cluster.restart_apiserver)

    assert (await reviews.identify(account.token)).kind == "token"
