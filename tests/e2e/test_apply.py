"""What a user sees of an extraction, from kubectl apply to slides in a bucket."""

import json

import pytest

from slides_api.manifest import Manifest
from tests.e2e.product import Product
from tests.e2e.talks import attempts, condition, phase, reason

pytestmark = pytest.mark.e2e

LONGEST_NAME = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61])
HOSTILE = "<script>alert(1)</script>\u202e $(reboot) `id` ${HOME} '\"; --"


def test_slides_of_an_applied_extraction_lie_in_the_bucket_with_their_manifest(
    product: Product,
) -> None:
    product.talks.apply("a-talk", product.talk_url)

    seen = product.talks.wait_for_end("a-talk")

    assert (phase(seen), reason(seen)) == ("Completed", "Completed")
    result = seen["status"]["result"]
    manifest = Manifest.model_validate_json(product.object_at(result["manifestURI"]))
    assert result["slideCount"] == len(manifest.slides) == 3
    prefix = result["manifestURI"].removesuffix("manifest.json")
    keys = product.keys_below(prefix)
    assert {"manifest.json", "slides/0001.webp", "slides.pdf", "report.html"} <= set(keys)
    assert seen["status"]["video"]["durationSeconds"] == pytest.approx(
        product.talk_duration_s, abs=1
    )
    assert [row["reason"] for row in attempts(seen)] == ["Completed"]
    assert attempts(seen)[0]["exitCode"] == 0


def test_kubectl_wait_get_and_describe_tell_of_a_finished_extraction(product: Product) -> None:
    product.talks.apply("well-read", product.talk_url)

    product.talks.run("wait", "--for=condition=Succeeded", "slx/well-read", "--timeout=120s")

    row = product.talks.run("get", "slx", "well-read", "-o", "wide")
    assert [word in row for word in ("Completed", "3", "100", product.talk_url)] == [True] * 4
    described = product.talks.run("describe", "slx/well-read")
    assert "Manifest URI:" in described
    assert "Completed" in described.rpartition("Events:")[2]


def test_kubectl_explain_tells_of_every_output(product: Product) -> None:
    explained = product.talks.run("explain", "slx.spec.outputs", "--recursive")

    assert "minDurationSeconds" in explained
    assert "region" in explained


def test_applying_the_same_manifest_again_changes_nothing(product: Product) -> None:
    product.talks.apply("again", product.talk_url)
    before = product.talks.wait_for_end("again")

    product.talks.apply("again", product.talk_url)

    after = product.talks.get("again")
    assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
    assert after["metadata"]["generation"] == before["metadata"]["generation"]


def test_the_same_output_is_not_made_twice(product: Product) -> None:
    url = product.new_talk_url()
    for name in ("first-of-two", "second-of-two"):
        product.talks.apply(name, url)
        product.talks.wait_for_end(name)

    first, second = (product.talks.get(name) for name in ("first-of-two", "second-of-two"))

    assert reason(second) == "AlreadyCompleted"
    assert condition(second, "Succeeded")["status"] == "True"
    assert second["status"]["result"] == first["status"]["result"]


def test_a_name_of_253_characters_and_hostile_text_change_nothing(product: Product) -> None:
    url = product.new_talk_url(title=HOSTILE)
    manifest = product.talks.manifest(LONGEST_NAME, url)
    manifest["metadata"]["annotations"] = {"example.com/note": HOSTILE}
    manifest["spec"]["podTemplate"] = {"metadata": {"annotations": {"example.com/note": HOSTILE}}}
    product.talks.run("apply", "-f", "-", text=json.dumps(manifest))

    seen = product.talks.wait_for_end(LONGEST_NAME)

    assert (phase(seen), seen["status"]["result"]["slideCount"]) == ("Completed", 3)


def test_a_spec_edited_while_it_runs_holds_from_the_next_attempt_on(product: Product) -> None:
    product.talks.apply("edited", product.slow_talk_url())
    product.talks.wait_for_phase("edited", "Downloading")

    product.talks.patch("edited", activeDeadlineSeconds=1800, ttlSecondsAfterFinished=86400)
    product.hurry()

    seen = product.talks.wait_for_end("edited")
    assert reason(seen) == "Completed"
    assert seen["status"]["attempts"]["current"] == 1
    generation = seen["metadata"]["generation"]
    assert generation == 2
    assert {c["observedGeneration"] for c in seen["status"]["conditions"]} == {generation}
    product.talks.run("wait", "--for=condition=Succeeded", "slx/edited", "--timeout=10s")
