"""What the spec asks of a running extraction: suspend, cancel, retry, deadline, TTL, deletion."""

from datetime import UTC, datetime

import pytest

from tests.e2e.product import Product
from tests.e2e.talks import attempts, condition, counted, phase, reason
from tests.runner.sources.media_server import Resource

pytestmark = pytest.mark.e2e


def test_suspending_ends_the_pod_and_resuming_goes_on_with_a_new_attempt(product: Product) -> None:
    product.talks.apply("paused", product.slow_talk_url())
    product.talks.wait_for_phase("paused", "Downloading")

    product.talks.patch("paused", suspend=True)
    product.talks.wait_for_phase("paused", "Suspended")
    product.talks.wait_until(lambda: not product.talks.find("pods", "paused"))
    product.hurry()
    product.talks.patch("paused", suspend=False)

    seen = product.talks.wait_for_end("paused")
    assert reason(seen) == "Completed"
    assert [row["reason"] for row in attempts(seen)] == ["Suspended", "Completed"]
    assert counted(seen) == 0


def test_cancelling_ends_it_for_good(product: Product) -> None:
    product.talks.apply("cancelled", product.slow_talk_url())
    product.talks.wait_for_phase("cancelled", "Downloading")

    product.talks.patch("cancelled", cancel=True)

    seen = product.talks.wait_for_end("cancelled")
    assert (phase(seen), reason(seen)) == ("Cancelled", "Cancelled")
    product.talks.wait_until(lambda: not product.talks.find("pods", "cancelled"))
    product.hurry()


def test_a_permanent_failure_is_tried_again_when_asked(product: Product) -> None:
    url = product.media.put("/comes-back.mp4", Resource(status=404))
    product.talks.apply("comes-back", url)
    product.talks.wait_for_end("comes-back")

    product.media.put("/comes-back.mp4", Resource(body=product.talk_bytes))
    product.talks.annotate("comes-back", retry_at=datetime.now(UTC).isoformat())

    seen = product.talks.wait_for_phase("comes-back", "Completed")
    assert condition(seen, "Succeeded")["status"] == "True"
    assert condition(seen, "Stalled") == {}
    assert seen["status"]["attempts"]["current"] == 2
    assert "lastRetryAt" in seen["status"]


def test_an_attempt_beyond_its_deadline_fails(product: Product) -> None:
    url = product.media.put("/too-slow.mp4", Resource(body=product.talk_bytes, drips=1))
    product.talks.apply("too-slow", url, activeDeadlineSeconds=8, retry={"limit": 0})

    seen = product.talks.wait_for_end("too-slow")

    assert (phase(seen), reason(seen)) == ("Failed", "DeadlineExceeded")


def test_a_finished_extraction_is_deleted_after_its_ttl(product: Product) -> None:
    product.talks.apply("short-lived", product.talk_url, ttlSecondsAfterFinished=2)

    product.talks.wait_until(lambda: not product.talks.exists("slx", "short-lived"))

    assert product.talks.run("get", "jobs", "-o", "name").count("short-lived") == 0


def test_deleting_in_mid_run_leaves_no_object_and_no_pod(product: Product) -> None:
    url = product.slow_talk_url()
    product.talks.apply("dropped", url, deletionPolicy="Delete")
    seen = product.talks.wait_for_phase("dropped", "Downloading")
    uid = seen["metadata"]["uid"]

    product.talks.run("delete", "slx", "dropped", "--timeout=120s")

    mine = f"slides-extractor.dev/extraction={uid}"
    product.talks.wait_until(
        lambda: not product.talks.run("get", "jobs,pods,pvc", "-l", mine, "-o", "name").strip()
    )
    assert product.keys_of(seen) == []
    product.hurry()


def test_of_two_outputs_of_one_video_only_the_deleted_ones_go(product: Product) -> None:
    url = product.new_talk_url()
    product.talks.apply("kept", url)
    product.talks.apply(
        "deleted", url, deletionPolicy="Delete", outputs={"slides": {"image": {"format": "png"}}}
    )
    kept, deleted = (product.talks.wait_for_end(name) for name in ("kept", "deleted"))
    assert product.keys_of(deleted)

    product.talks.run("delete", "slx", "deleted", "--timeout=120s")

    assert product.keys_of(deleted) == []
    assert "manifest.json" in product.keys_of(kept)


def test_objects_that_another_result_names_stay(product: Product) -> None:
    url = product.new_talk_url()
    product.talks.apply("owner", url, deletionPolicy="Delete")
    product.talks.wait_for_end("owner")
    product.talks.apply("sharer", url)
    shared = product.talks.wait_for_end("sharer")

    product.talks.run("delete", "slx", "owner", "--timeout=120s")

    assert "manifest.json" in product.keys_of(shared)
