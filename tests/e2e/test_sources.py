"""Sources that fail: each failure has its reason, and only what may succeed is tried again."""

import pytest

from tests.e2e.product import Product
from tests.e2e.talks import attempts, condition, counted, phase, reason
from tests.runner.sources.media_server import Resource

pytestmark = pytest.mark.e2e

ONCE = {"limit": 1, "initialSeconds": 1, "maxSeconds": 1}
"""A retry policy that comes to its end quickly."""


@pytest.fixture(scope="module", autouse=True)
def all_at_once(product: Product) -> None:
    """Start what all tests of this module look at; they run side by side."""
    body = product.talk_bytes
    behaviours = {
        "gone": Resource(status=404),
        "forbidden": Resource(status=403),
        "limited": Resource(status=429, headers={"Retry-After": "2"}),
        "broken-once": Resource(body=body, fail_times=1),
        "broken": Resource(status=500),
        "cut-once": Resource(body=body, cut_after=len(body) // 2, cuts=1),
        "no-video": Resource(body=b"<html>Sorry</html>", media_type="text/html"),
        "hanging": Resource(hangs=True),
    }
    for name, behaviour in behaviours.items():
        product.talks.apply(name, product.media.put(f"/{name}.mp4", behaviour), retry=ONCE)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("gone", "Removed"), ("forbidden", "AccessDenied"), ("no-video", "NotAVideo")],
)
def test_what_fails_again_is_not_tried_again(product: Product, name: str, wanted: str) -> None:
    seen = product.talks.wait_for_end(name)

    assert (phase(seen), reason(seen), len(attempts(seen))) == ("Failed", wanted, 1)
    assert condition(seen, "Stalled")["status"] == "True"
    assert condition(seen, "Succeeded")["message"]


@pytest.mark.parametrize("name", ["broken-once", "cut-once"])
def test_a_source_that_fails_for_a_moment_is_brought_within_one_attempt(
    product: Product, name: str
) -> None:
    seen = product.talks.wait_for_end(name)

    assert (phase(seen), seen["status"]["attempts"]["current"]) == ("Completed", 1)


def test_retries_of_a_failing_server_end_at_the_limit(product: Product) -> None:
    seen = product.talks.wait_for_end("broken", within_s=240)

    assert (phase(seen), reason(seen)) == ("Failed", "ServerError")
    assert (counted(seen), seen["status"]["attempts"]["current"]) == (2, 2)
    assert condition(seen, "Stalled")["reason"] == "RetryLimitExceeded"


def test_a_server_that_limits_its_rate_is_asked_again_when_it_says(product: Product) -> None:
    seen = product.talks.wait(
        "limited", lambda seen: "nextRetryTime" in seen["status"] or phase(seen) == "Failed"
    )

    assert attempts(seen)[0]["reason"] == "RateLimited"
    assert attempts(seen)[0]["exitCode"] == 84


def test_a_source_that_hangs_ends_as_timed_out(product: Product) -> None:
    seen = product.talks.wait(
        "hanging", lambda seen: "finishedAt" in (attempts(seen) or [{}])[0], within_s=400
    )

    assert attempts(seen)[0]["reason"] == "TimedOut"
