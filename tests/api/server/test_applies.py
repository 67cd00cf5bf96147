"""Applying what is there already changes nothing, whoever does it."""

from typing import Any

import pytest

from slides_api.v1alpha1 import Storage
from slides_api.wellknown import OPERATOR_MANAGER
from tests.api.objects import ITEM, URL, Client, batch, extraction

pytestmark = pytest.mark.api

FULL: dict[str, Any] = {
    "source": {"url": URL, "secretRef": {"name": "cookies"}},
    "outputs": {"slides": {"region": {"left": 0.25, "width": 0.5}, "documents": ["html"]}},
    "storage": {"s3": {"endpoint": "https://s3.example.com", "bucket": "talks"}},
    "workVolume": {"claim": {"size": "10Gi"}},
    "retry": {"factor": 1.5},
    "podTemplate": {
        "resources": {"limits": {"memory": "4Gi", "cpu": 2}},
        "imagePullSecrets": [{"name": "registry"}],
        "affinity": {"nodeAffinity": {}},
    },
}
OBJECTS = {
    "plain": extraction("plain"),
    "full": extraction("full", **FULL),
    "batch": batch("many", items=[ITEM, {"name": "two", "url": URL}], parallelism=1),
}
CLIENT_SIDE = ("apply",)
SERVER_SIDE = ("apply", "--server-side", "--field-manager=gitops")
SECOND = ("apply", "--server-side", "--field-manager=second")


def state(client: Client, sent: dict[str, Any]) -> tuple[int, str]:
    metadata = client.get(sent)["metadata"]
    return metadata["generation"], metadata["resourceVersion"]


def seen(client: Client, sent: dict[str, Any]) -> None:
    """Write the status as the operator does: from then on the object is stored as it is read."""
    client.apply_status(sent, OPERATOR_MANAGER, {"observedGeneration": 1, "phase": "Pending"})


def renamed(sent: dict[str, Any], suffix: str) -> dict[str, Any]:
    return {**sent, "metadata": {"name": f"{sent['metadata']['name']}-{suffix}"}}


@pytest.mark.parametrize("sent", OBJECTS.values(), ids=OBJECTS)
@pytest.mark.parametrize("how", [CLIENT_SIDE, SERVER_SIDE], ids=["client-side", "server-side"])
def test_applying_again_changes_nothing(
    client: Client, sent: dict[str, Any], how: tuple[str, ...]
) -> None:
    mine = renamed(sent, f"{len(how)}")
    client.kubectl(*how, "--filename=-", send=mine)
    seen(client, mine)
    before = state(client, mine)
    for _ in range(2):
        client.kubectl(*how, "--filename=-", send=mine)
    assert state(client, mine) == before


@pytest.mark.parametrize("sent", OBJECTS.values(), ids=OBJECTS)
def test_second_manager_settles(client: Client, sent: dict[str, Any]) -> None:
    """It enters its name once, which is a write; from then on nobody changes anything."""
    mine = renamed(sent, "shared")
    client.kubectl(*SERVER_SIDE, "--filename=-", send=mine)
    generation, _ = state(client, mine)
    client.kubectl(*SECOND, "--filename=-", send=mine)
    before = state(client, mine)
    for how in (SERVER_SIDE, SECOND, SERVER_SIDE):
        client.kubectl(*how, "--filename=-", send=mine)
    assert state(client, mine) == before
    assert before[0] == generation


def test_applying_what_is_there_changes_nothing(client: Client) -> None:
    """As a controller does that reads an object with all its defaults and applies that."""
    sent = extraction("read-back", **FULL)
    client.kubectl(*SERVER_SIDE, "--filename=-", send=sent)
    found = client.get(sent)
    whole = {**sent, "spec": found["spec"]}
    client.kubectl(*SERVER_SIDE, "--filename=-", send=whole)
    generation, version = state(client, sent)
    client.kubectl(*SERVER_SIDE, "--filename=-", send=whole)
    assert (generation, version) == state(client, sent)
    assert generation == found["metadata"]["generation"]


def test_replacing_by_what_the_models_send_changes_nothing(client: Client) -> None:
    sent = extraction("modelled", storage=Storage.model_validate(FULL["storage"]).to_wire())
    client.create(sent)
    seen(client, sent)
    before = state(client, sent)
    client.kubectl("replace", "--filename=-", send=sent)
    assert state(client, sent) == before
