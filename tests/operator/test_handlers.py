"""kopf as a shell: what it sees is noted and enqueued, and nothing is ever written."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from slides_api.wellknown import API_VERSION, BATCH_LABEL
from slides_operator.handlers import build_registry, connection_info, run_kopf
from slides_operator.kube.cache import Cache, Key, Kind
from slides_operator.kube.client import open_api
from slides_operator.kube.echoes import Echoes
from tests.cluster.light import LightCluster

pytestmark = pytest.mark.api
SOON_S = 20.0
RESOURCE = {
    "apiVersion": API_VERSION,
    "kind": "SlideExtraction",
    "metadata": {"name": "talk"},
    "spec": {"source": {"url": "https://example.com/talk.mp4"}},
}


class Shell:
    """kopf, running, and what its handlers note."""

    def __init__(self) -> None:
        self.cache = Cache()
        self.echoes = Echoes()
        self.enqueued: list[Key] = []
        self.heard: list[tuple[Kind, str]] = []

    def hear(self, kind: Kind, namespace: str) -> None:
        self.heard.append((kind, namespace))


@pytest.fixture
def signed_in(light_cluster: LightCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(light_cluster.kubeconfig))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)


@pytest.fixture
async def shell(signed_in: None, namespace: str) -> AsyncIterator[Shell]:
    shell = Shell()
    async with _running(shell, namespace):
        yield shell


@asynccontextmanager
async def _running(shell: Shell, namespace: str) -> AsyncIterator[None]:
    started = asyncio.Event()
    async with open_api() as api:
        registry = build_registry(
            shell.cache,
            shell.enqueued.append,
            echoes=shell.echoes,
            hear=shell.hear,
            configuration=api.configuration,
        )
        running = asyncio.create_task(run_kopf(registry, [namespace], on_started=started.set))
        try:
            async with asyncio.timeout(SOON_S):
                await started.wait()
            yield
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON_S):
        while not holds():  # noqa: ASYNC110 - a test may look now and then
            await asyncio.sleep(0.05)


async def test_notes_what_comes_changes_and_goes(
    shell: Shell, light_cluster: LightCluster, namespace: str
) -> None:
    key = Key(Kind.EXTRACTION, namespace, "talk")
    await asyncio.to_thread(
        light_cluster.kubectl, "create", "-n", namespace, "-f", "-", input=json.dumps(RESOURCE)
    )
    await _until(lambda: shell.enqueued == [key])
    await asyncio.to_thread(
        light_cluster.kubectl, "annotate", "slx", "talk", "-n", namespace, "note=new"
    )
    await _until(lambda: shell.enqueued == [key, key])
    seen = shell.cache.extraction(key)
    written = await asyncio.to_thread(
        light_cluster.kubectl, "get", "slx", "talk", "-n", namespace, "-o", "json"
    )
    await asyncio.to_thread(light_cluster.kubectl, "delete", "slx", "talk", "-n", namespace)
    await _until(lambda: shell.enqueued == [key, key, key])

    meta = json.loads(written)["metadata"]
    assert seen is not None
    assert seen["metadata"]["annotations"] == meta["annotations"] == {"note": "new"}
    assert "finalizers" not in meta
    assert shell.cache.extraction(key) is None
    assert set(shell.heard) == {(Kind.EXTRACTION, namespace)}


async def test_own_write_comes_back_as_an_echo_and_not_as_news(
    shell: Shell, light_cluster: LightCluster, namespace: str
) -> None:
    created = await asyncio.to_thread(
        light_cluster.kubectl,
        *("create", "-n", namespace, "-f", "-", "-o", "json"),
        input=json.dumps(RESOURCE),
    )
    await _until(lambda: bool(shell.enqueued))
    shell.enqueued.clear()
    meta = json.loads(created)["metadata"]
    changed = await asyncio.to_thread(
        light_cluster.kubectl,
        *("annotate", "slx", "talk", "-n", namespace, "note=new", "-o", "json"),
    )
    obj = json.loads(changed)
    brought_by_answer = shell.cache.put(obj)  # as a writer does with the answer
    if brought_by_answer:
        shell.echoes.expect(meta["uid"], int(obj["metadata"]["resourceVersion"]))
    await _until(lambda: len(shell.heard) >= 2)

    assert len(shell.enqueued) == (0 if brought_by_answer else 1)
    assert not shell.echoes.pending()


async def test_what_the_operator_made_itself_is_looked_at_all_the_same(
    signed_in: None, light_cluster: LightCluster, namespace: str
) -> None:
    created = await asyncio.to_thread(
        light_cluster.kubectl,
        *("create", "-n", namespace, "-f", "-", "-o", "json"),
        input=json.dumps(RESOURCE),
    )
    shell = Shell()
    shell.cache.put(json.loads(created))  # as a batch's reconcile does with the answer

    async with _running(shell, namespace):
        await _until(lambda: shell.enqueued == [Key(Kind.EXTRACTION, namespace, "talk")])


async def test_batch_hears_of_what_the_operator_wrote_to_its_extraction(
    signed_in: None, light_cluster: LightCluster, namespace: str
) -> None:
    items = [{"name": "one", "url": "https://example.com/talk.mp4"}]
    batch = {**RESOURCE, "kind": "SlideExtractionBatch", "spec": {"items": items, "template": {}}}
    create = ("create", "-n", namespace, "-f", "-", "-o", "json")
    owner = json.loads(light_cluster.kubectl(*create, input=json.dumps(batch)))
    labels = {BATCH_LABEL: owner["metadata"]["uid"]}
    child = {**RESOURCE, "metadata": {"name": "talk-one", "labels": labels}}
    light_cluster.kubectl(*create, input=json.dumps(child))
    # Both have been looked at: new ones are looked at in any case.
    status = ("--subresource=status", "--type=merge", '--patch={"status": {"phase": "Pending"}}')
    patch = ("patch", "-n", namespace, *status, "-o", "json")
    written = [light_cluster.kubectl(*patch, name) for name in ("slxb/talk", "slx/talk-one")]
    shell = Shell()
    for known in written:
        shell.cache.put(json.loads(known))

    async with _running(shell, namespace):
        await _until(lambda: len(shell.heard) >= 2)

    assert set(shell.enqueued) == {Key(Kind.BATCH, namespace, "talk")}


async def test_other_namespaces_are_not_seen(shell: Shell, light_cluster: LightCluster) -> None:
    await asyncio.to_thread(
        light_cluster.kubectl, "create", "-n", "default", "-f", "-", input=json.dumps(RESOURCE)
    )
    await asyncio.sleep(1)
    await asyncio.to_thread(light_cluster.kubectl, "delete", "slx", "talk", "-n", "default")

    assert shell.enqueued == []


async def test_kopf_is_the_same_user_as_the_client(
    light_cluster: LightCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(light_cluster.kubeconfig))
    async with open_api() as api:
        api.configuration.api_key["BearerToken"] = "bearer secret"

        info = await connection_info(api.configuration)

    assert info.server == light_cluster.server
    assert (info.scheme, info.token) == ("Bearer", "secret")
    assert info.certificate_path
