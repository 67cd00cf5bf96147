"""The API server as the service uses it; every write leaves a line in the audit log."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from slides_api.v1alpha1.batch import MOST_ITEMS
from slides_api.wellknown import API_VERSION, BATCH_LABEL, EXTRACTION_LABEL, GROUP
from slides_operator.errors import NotFoundError
from slides_operator.kube.cache import PLURALS, Kind
from slides_operator.kube.client import MERGE_PATCH, Client, Json
from slides_operator.service import audit

MANAGER: Final = "slides-service"
"""Field manager of what the service writes, and its name in the API server's own logs."""
EVENTS_READ = 500
"""Chosen: an extraction has a few dozen."""
PODS_READ = 50
"""Chosen: one pod for each attempt, and few attempts."""
LOG_BYTES = 4 * 1024 * 1024
"""Chosen: no more of a pod's log is held in memory for one request."""
# RFC 1123. What is no name must never become part of a path: `a%2Fstatus` would be another one.
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\Z")
NOT_FOUND = 404


class Gateway:
    """Reads and writes single objects, as the service's own account."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def create(
        self, kind: Kind, namespace: str, body: Json, *, dry_run: bool = False
    ) -> Json:
        """Create a resource and return it. Raises ConflictError, RejectedError, NotFoundError."""
        meta = body["metadata"]
        name = meta.get("name") or f"{meta.get('generateName', '')}*"
        query = {"fieldManager": MANAGER, **({"dryRun": "All"} if dry_run else {})}
        path = _collection(kind, namespace)
        if dry_run:
            return await self._client.request("POST", path, query=query, body=body)
        with audit.told("create", kind, namespace, name):
            return await self._client.request("POST", path, query=query, body=body)

    async def get(self, kind: Kind, namespace: str, name: str) -> Json:
        """Return a resource. Raises NotFoundError."""
        return await self._client.request("GET", _path(kind, namespace, name))

    async def merge_patch(self, kind: Kind, namespace: str, name: str, patch: Json) -> Json:
        """Change a resource and return it.

        With a resourceVersion in the patch's metadata only if it is still that one. Raises
        ConflictError, RejectedError, NotFoundError.
        """
        path = _path(kind, namespace, name)
        with audit.told("patch", kind, namespace, name):
            return await self._client.request(
                "PATCH",
                path,
                query={"fieldManager": MANAGER},
                body=patch,
                content_type=MERGE_PATCH,
            )

    async def delete(self, kind: Kind, namespace: str, name: str, uid: str | None = None) -> None:
        """Delete a resource; with a uid only this very one, else ConflictError.

        Raises NotFoundError.
        """
        options: Json = {"propagationPolicy": "Background"}
        if uid:
            options["preconditions"] = {"uid": uid}
        path = _path(kind, namespace, name)
        with audit.told("delete", kind, namespace, name):
            await self._client.request("DELETE", path, body=options)

    async def children(self, namespace: str, uid: str) -> list[Json]:
        """Return what bears a batch's label: its extractions, if nobody forged one."""
        query = {"labelSelector": f"{BATCH_LABEL}={uid}"}
        items = await self._list(_collection(Kind.EXTRACTION, namespace), query, MOST_ITEMS)
        return [{**item, "kind": Kind.EXTRACTION.value} for item in items]

    async def events(self, namespace: str, uid: str) -> list[Json]:
        """Return the Events about an object."""
        return await self._list(
            _core(namespace, "events"), {"fieldSelector": f"involvedObject.uid={uid}"}, EVENTS_READ
        )

    async def pods(self, namespace: str, uid: str) -> list[Json]:
        """Return the pods of an extraction's attempts that are still there."""
        return await self._list(
            _core(namespace, "pods"), {"labelSelector": f"{EXTRACTION_LABEL}={uid}"}, PODS_READ
        )

    async def pod_log(self, namespace: str, pod: str, *, tail_lines: int | None = None) -> str:
        """Return the last lines of a pod's log, with the time of each (RFC 3339) before it.

        Raises NotFoundError, RejectedError where it has not begun yet.
        """
        query: dict[str, str | int] = {"timestamps": "true", "limitBytes": LOG_BYTES}
        if tail_lines is not None:
            query["tailLines"] = tail_lines
        return await self._client.text(f"{_core(namespace, 'pods', pod)}/log", query=query)

    async def review_token(self, token: str) -> Json:
        """Return what the API server says of a token: `status` of a TokenReview."""
        return await self._review("authentication.k8s.io", "TokenReview", {"token": token})

    async def review_access(
        self,
        user: str,
        groups: Sequence[str],
        verb: str,
        resource: str,
        namespace: str,
        *,
        uid: str = "",
        extra: Mapping[str, Sequence[str]] | None = None,
    ) -> bool:
        """Return whether somebody may do something with this project's resources."""
        spec = {
            "user": user,
            "groups": list(groups),
            "uid": uid,
            "extra": {key: list(values) for key, values in (extra or {}).items()},
            "resourceAttributes": {
                "group": GROUP,
                "resource": resource,
                "verb": verb,
                "namespace": namespace,
            },
        }
        status = await self._review("authorization.k8s.io", "SubjectAccessReview", spec)
        return bool(status.get("allowed")) and not status.get("denied")

    async def _review(self, group: str, kind: str, spec: Json) -> Json:
        body = {"apiVersion": f"{group}/v1", "kind": kind, "metadata": {}, "spec": spec}
        answer = await self._client.request("POST", f"/apis/{group}/v1/{kind.lower()}s", body=body)
        status: Json = answer["status"]
        return status

    async def _list(self, path: str, query: Mapping[str, str], limit: int) -> list[Json]:
        answer = await self._client.request(
            "GET", path, verb="list", query={**query, "limit": limit}
        )
        items: list[Json] = answer["items"]
        return items


def _collection(kind: Kind, namespace: str) -> str:
    return f"/apis/{API_VERSION}/namespaces/{_checked(namespace)}/{PLURALS[kind]}"


def _path(kind: Kind, namespace: str, name: str) -> str:
    return f"{_collection(kind, namespace)}/{_checked(name)}"


def _core(namespace: str, *rest: str) -> str:
    return "/".join(("/api/v1/namespaces", _checked(namespace), *map(_checked, rest)))


def _checked(name: str) -> str:
    if not _NAME.match(name):
        raise NotFoundError(f"{name!r} is no object's name", status=NOT_FOUND)
    return name
