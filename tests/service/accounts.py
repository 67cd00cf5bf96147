"""Accounts of the cluster with the rights that a test gives them, and their tokens."""

import asyncio
import uuid
from dataclasses import dataclass
from functools import partial

from tests.cluster.light import LightCluster

OF_THIS_PROJECT = (
    "slideextractions.slides-extractor.dev,slideextractionbatches.slides-extractor.dev"
)
EVERYTHING = ("get", "list", "watch", "create", "patch", "delete")


@dataclass(frozen=True)
class Account:
    """A ServiceAccount, by a token of its own."""

    name: str
    namespace: str
    token: str

    @property
    def user(self) -> str:
        """Its name as the API server tells it."""
        return f"system:serviceaccount:{self.namespace}:{self.name}"

    @property
    def headers(self) -> dict[str, str]:
        """What it sends."""
        return {"Authorization": f"Bearer {self.token}"}


async def make_account(cluster: LightCluster, namespace: str, *verbs: str) -> Account:
    """Make an account that may do this to the project's resources of its namespace."""
    kubectl = partial(_kubectl, cluster, f"--namespace={namespace}")
    name = f"person-{uuid.uuid4().hex[:6]}"
    await kubectl("create", "serviceaccount", name)
    if verbs:
        role = f"--verb={','.join(verbs)}"
        await kubectl("create", "role", name, role, f"--resource={OF_THIS_PROJECT}")
        subject = f"--serviceaccount={namespace}:{name}"
        await kubectl("create", "rolebinding", name, f"--role={name}", subject)
    token = await kubectl("create", "token", name)
    return Account(name, namespace, token.strip())


async def _kubectl(cluster: LightCluster, *arguments: str) -> str:
    # In a thread: the service answers in this loop meanwhile.
    return await asyncio.to_thread(cluster.kubectl, *arguments)
