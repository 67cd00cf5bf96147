"""Stores that fail: away for a while, wrong credentials, a Secret that comes late."""

import pytest

from tests.e2e.product import Product
from tests.e2e.talks import attempts, phase, reason

pytestmark = pytest.mark.e2e


def test_a_store_that_is_away_for_half_a_minute_costs_no_result(product: Product) -> None:
    retry = {"limit": 10, "initialSeconds": 2, "maxSeconds": 5}
    product.talks.apply("patient", product.slow_talk_url(), retry=retry)
    product.talks.wait_for_phase("patient", "Downloading")

    with product.s3_away():
        product.hurry()
        product.pause(30)

    seen = product.talks.wait_for_end("patient", within_s=240)
    assert reason(seen) == "Completed"
    assert "manifest.json" in product.keys_of(seen)


def test_wrong_credentials_are_permanent(product: Product) -> None:
    talks = product.new_namespace("wrong-keys", secret_key="not-the-key")
    talks.apply("denied", product.talk_url)

    seen = talks.wait_for_end("denied")

    assert (phase(seen), reason(seen), len(attempts(seen))) == ("Failed", "UploadDenied", 1)


def test_an_extraction_waits_for_its_secret_and_goes_on_by_itself(product: Product) -> None:
    talks = product.new_namespace("no-secret", with_secret=False)
    talks.apply("waiting", product.talk_url)
    seen = talks.wait_for_reason("waiting", "SecretMissing")
    assert phase(seen) == "Pending"

    product.make_secret("no-secret")

    seen = talks.wait_for_end("waiting", within_s=240)
    assert reason(seen) in {"Completed", "AlreadyCompleted"}


def test_deletion_ends_even_if_the_store_is_unreachable(product: Product) -> None:
    talks = product.new_namespace("no-store")
    talks.apply("undeletable", product.new_talk_url(), deletionPolicy="Delete")
    talks.wait_for_end("undeletable")

    with product.s3_away():
        talks.run("delete", "slx", "undeletable", "--timeout=400s")

    told = [event["reason"] for event in talks.events("undeletable")]
    assert "CleanupFailed" in told
