"""Every call to the API server that a reconcile makes; each answer is in the cache at once."""

import asyncio
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import structlog

from slides_api.names import job_name
from slides_api.wellknown import API_VERSION, EXTRACTION_LABEL, MANAGED_BY_LABEL, OPERATOR_MANAGER
from slides_operator.errors import ApiError, ConflictError, NotFoundError
from slides_operator.kube.cache import PLURALS, Cache, Key, Kind, Manifest, owner_uid
from slides_operator.kube.client import APPLY_PATCH, MERGE_PATCH, Client, Json
from slides_operator.kube.echoes import Echoes
from slides_operator.kube.transitions import Transitions
from slides_operator.settings import OperatorSettings

EVENTS_READ = 50
"""Events read about a stuck object: chosen, more than the few kinds that one repeats."""
GRANT_S = 300.0
"""How long runners' access is taken to be there: chosen, two requests bring it back minutes after
its namespace was made anew."""
EVENT_MESSAGE_LIMIT = 1024
"""The API server's own limit of an Event's message."""

log = structlog.get_logger()


class Cluster:
    """The API server, as the operator writes to it."""

    def __init__(
        self,
        client: Client,
        cache: Cache,
        settings: OperatorSettings,
        *,
        echoes: Echoes,
        transitions: Transitions,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._cache = cache
        self._settings = settings
        self._echoes = echoes
        self._transitions = transitions
        self._clock = clock
        self._granted: dict[str, float] = {}
        self._granting = asyncio.Lock()

    async def create_job(self, namespace: str, body: Json) -> None:
        """Create a Job; one of this name that has our owner already is as good.

        Raises RejectedError where another try would be refused too, else ApiError.
        """
        await self._create(_jobs(namespace), body)
        self._note_first_attempt(body["metadata"])

    async def delete_job(self, namespace: str, name: str) -> None:
        """Delete a Job, which stays until its pods are gone, so that nothing starts beside them."""
        await self._delete(_jobs(namespace, name), {"propagationPolicy": "Foreground"})

    async def patch_job(self, namespace: str, name: str, patch: Json) -> None:
        """Change single fields of a Job by merge patch; one that is gone needs none."""
        with suppress(NotFoundError):
            self._written(await self._patch(_jobs(namespace, name), patch))

    async def create_claim(self, namespace: str, body: Json) -> None:
        """Create a PersistentVolumeClaim; one of this name that has our owner is as good."""
        await self._create(_claims(namespace), body, cached=False)

    async def delete_claim(self, namespace: str, name: str) -> None:
        """Delete a PersistentVolumeClaim."""
        await self._delete(_claims(namespace, name), {}, cached=False)

    async def apply_status(self, key: Key, status: Json, *, resource_version: str) -> None:
        """Make `status` all that the operator says of a resource.

        Raises ConflictError when the resource changed since `resource_version`.
        """
        body = {
            "apiVersion": API_VERSION,
            "kind": key.kind.value,
            "metadata": {"name": key.name, "resourceVersion": resource_version},
            "status": status,
        }
        before = self._known(key)  # now: the watch may bring the new state before the answer does
        obj = await self._client.request(
            "PATCH",
            f"{_path(key)}/status",
            verb="apply",
            query={"fieldManager": OPERATOR_MANAGER, "force": "true"},
            body=body,
            content_type=APPLY_PATCH,
        )
        self._written(obj)
        self._transitions.status_written(before, obj)

    async def patch_metadata(self, key: Key, metadata: Json, *, resource_version: str) -> None:
        """Change finalizers or annotations by merge patch. Raises ConflictError, NotFoundError."""
        body = {"metadata": {**metadata, "resourceVersion": resource_version}}
        self._written(await self._patch(_path(key), body))

    async def patch_spec(self, key: Key, spec: Json, *, resource_version: str) -> None:
        """Change the spec by merge patch. Raises ConflictError, NotFoundError."""
        body = {"metadata": {"resourceVersion": resource_version}, "spec": spec}
        self._written(await self._patch(_path(key), body))

    async def create_extraction(self, namespace: str, body: Json) -> None:
        """Create a batch's SlideExtraction; one of this name that is the batch's is as good."""
        await self._create(_collection(Kind.EXTRACTION, namespace), body)

    async def delete_extraction(self, key: Key, uid: str) -> None:
        """Delete this very resource; another of its name is left alone."""
        options = {"propagationPolicy": "Background", "preconditions": {"uid": uid}}
        try:
            await self._delete(_path(key), options)
        except ConflictError:  # another uid: ours is gone
            self._cache.drop({"metadata": {"uid": uid}})

    async def events_of(self, namespace: str, uid: str) -> list[Json]:
        """Return the Events about an object."""
        answer = await self._client.request(
            "GET",
            f"/api/v1/namespaces/{namespace}/events",
            verb="list",
            query={"fieldSelector": f"involvedObject.uid={uid}", "limit": EVENTS_READ},
        )
        items: list[Json] = answer["items"]
        return items

    async def secret(self, namespace: str, name: str) -> Json:
        """Return the data of a Secret, base64 as it is; read anew each time, and never kept.

        Raises NotFoundError, and ApiError where the operator may not read it.
        """
        found = await self._client.request("GET", f"/api/v1/namespaces/{namespace}/secrets/{name}")
        return found.get("data") or {}

    async def post_event(self, obj: Manifest, *, type: str, reason: str, message: str) -> None:  # noqa: A002 - the Event's own word
        """Tell those who describe the object. Nothing depends on it: failures are logged only."""
        event = _event(obj, type_=type, reason=reason, message=message)
        try:
            await self._client.request(
                "POST",
                f"/api/v1/namespaces/{obj['metadata']['namespace']}/events",
                body=event,
            )
        except ApiError as e:
            log.warning("event not posted", reason=reason, error=e.message)

    async def ensure_runner_access(self, namespace: str, *, within_s: float = GRANT_S) -> None:
        """Let runners report from this namespace: their ServiceAccount and its RoleBinding.

        What was granted so recently is taken to be there. With a list of namespaces the chart
        makes both.
        """
        if self._settings.watch_namespaces or self._has_granted(namespace, within_s):
            return
        async with self._granting:
            if not self._has_granted(namespace, within_s):
                await self._grant(namespace)
                self._granted[namespace] = self._clock()

    def _has_granted(self, namespace: str, within_s: float) -> bool:
        granted_at = self._granted.get(namespace)
        return granted_at is not None and self._clock() - granted_at < within_s

    async def _grant(self, namespace: str) -> None:
        account, role = self._settings.runner_service_account, self._settings.runner_cluster_role
        for path, body in _access(namespace, account, role):
            try:
                await self._client.request("POST", path, body=body)
            except ConflictError:
                continue  # it is there
            log.info("runner access granted", namespace=namespace, object=body["kind"])

    async def _create(self, collection: str, body: Json, *, cached: bool = True) -> None:
        try:
            obj = await self._client.request("POST", collection, body=body)
        except ConflictError:
            path = f"{collection}/{body['metadata']['name']}"
            obj = await self._client.request("GET", path)
            if owner_uid(obj) != owner_uid(body):
                raise
        if cached:
            self._written(obj)

    async def _patch(self, path: str, body: Json) -> Json:
        return await self._client.request(
            "PATCH",
            path,
            query={"fieldManager": OPERATOR_MANAGER},
            body=body,
            content_type=MERGE_PATCH,
        )

    async def _delete(self, path: str, options: Json, *, cached: bool = True) -> None:
        try:
            answer = await self._client.request("DELETE", path, body=options)
        except NotFoundError:
            return
        if not cached:
            return
        if answer["kind"] == "Status":
            self._cache.drop({"metadata": {"uid": answer["details"]["uid"]}})
        else:
            self._written(answer)

    def _known(self, key: Key) -> Json | None:
        if key.kind is Kind.EXTRACTION:
            return self._cache.extraction(key)
        return self._cache.batch(key)

    def _note_first_attempt(self, meta: Json) -> None:
        uid = meta.get("labels", {}).get(EXTRACTION_LABEL, "")
        extraction = self._cache.by_uid(uid)
        if extraction and meta["name"] == job_name(extraction["metadata"]["name"], uid, 1):
            self._transitions.job_created(extraction)

    def _written(self, obj: Json) -> None:
        meta = obj["metadata"]
        if meta.get("deletionTimestamp") and not meta.get("finalizers"):
            self._cache.drop(obj)  # the last finalizer held it
        elif self._cache.put(obj) and obj["kind"] in set(Kind):
            self._echoes.expect(meta["uid"], int(meta["resourceVersion"]))


def _collection(kind: Kind, namespace: str) -> str:
    return f"/apis/{API_VERSION}/namespaces/{namespace}/{PLURALS[kind]}"


def _path(key: Key) -> str:
    return f"{_collection(key.kind, key.namespace)}/{key.name}"


def _jobs(namespace: str, *name: str) -> str:
    return "/".join(("/apis/batch/v1/namespaces", namespace, "jobs", *name))


def _claims(namespace: str, *name: str) -> str:
    return "/".join(("/api/v1/namespaces", namespace, "persistentvolumeclaims", *name))


def _access(namespace: str, account: str, role: str) -> list[tuple[str, Json]]:
    meta = {"name": account, "labels": {MANAGED_BY_LABEL: OPERATOR_MANAGER}}
    group = "rbac.authorization.k8s.io"
    return [
        (
            f"/api/v1/namespaces/{namespace}/serviceaccounts",
            {
                "apiVersion": "v1",
                "kind": "ServiceAccount",
                "metadata": meta,
                "automountServiceAccountToken": False,
            },
        ),
        (
            f"/apis/{group}/v1/namespaces/{namespace}/rolebindings",
            {
                "apiVersion": f"{group}/v1",
                "kind": "RoleBinding",
                "metadata": meta,
                "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
                "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
            },
        ),
    ]


def _event(obj: Manifest, *, type_: str, reason: str, message: str) -> Json:
    meta = obj["metadata"]
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{meta['name'][:200]}.{uuid.uuid4().hex[:16]}"},
        "involvedObject": {
            "apiVersion": obj["apiVersion"],
            "kind": obj["kind"],
            "namespace": meta["namespace"],
            "name": meta["name"],
            "uid": meta["uid"],
            "resourceVersion": meta["resourceVersion"],
        },
        "type": type_,
        "reason": reason,
        "message": message[:EVENT_MESSAGE_LIMIT],
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
        "source": {"component": OPERATOR_MANAGER},
        "reportingComponent": OPERATOR_MANAGER,
        "reportingInstance": "",
    }
