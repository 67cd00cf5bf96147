"""What a runner may do with its token, and a namespace of its own."""

import pytest

from tests.e2e.product import Product, Refused
from tests.e2e.talks import reason

pytestmark = pytest.mark.e2e


def test_a_runners_token_changes_no_other_extraction(product: Product) -> None:
    product.talks.apply("bystander", product.talk_url)
    product.talks.wait_for_end("bystander")
    product.talks.apply("attacker", product.slow_talk_url())
    product.talks.wait_for_phase("attacker", "Downloading")
    (pod,) = product.talks.find("pods", "attacker")
    token = product.token_of(pod)

    with pytest.raises(Refused) as refused:
        product.patch_status(token, "bystander", {"run": {"attempt": 1, "message": "was here"}})
    product.patch_status(token, "attacker", {"run": {"attempt": 1, "message": "was here"}})
    product.hurry()

    assert "does not work on attempt" in str(refused.value)
    product.talks.wait_for_end("attacker")


@pytest.mark.parametrize(
    "arguments",
    [
        ("get", "secrets"),
        ("get", "slx"),
        ("delete", "slx", "bystander"),
        ("create", "job", "x", "--image=x"),
    ],
    ids=lambda arguments: "-".join(arguments[:2]),
)
def test_a_runners_token_may_do_nothing_else(product: Product, arguments: tuple[str, ...]) -> None:
    product.talks.apply("bystander", product.talk_url)
    product.talks.wait_for_end("bystander")
    token = product.token_of(product.any_pod())

    with pytest.raises(Refused):
        product.as_token(token, *arguments)


def test_a_second_namespace_has_its_own_bucket(product: Product) -> None:
    talks = product.new_namespace("second", bucket="second")
    talks.apply("elsewhere", product.new_talk_url())

    seen = talks.wait_for_end("elsewhere")

    assert reason(seen) == "Completed"
    assert seen["status"]["result"]["manifestURI"].startswith("s3://second/")
