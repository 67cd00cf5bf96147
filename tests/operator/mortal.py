"""An operator over the API in memory that dies where a test wants it to, and comes back."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, cast

from slides_operator.errors import ApiError
from slides_operator.kube.cache import Key
from slides_operator.kube.cluster import Cluster
from slides_operator.kube.echoes import Echoes
from slides_operator.kube.transitions import Transitions
from slides_operator.metrics import Metrics
from slides_operator.reconcile import Reconciler
from tests.operator.fake_api import CrashError, FakeApi
from tests.operator.postbox import Postbox, Receiver
from tests.operator.worlds import SETTINGS

if TYPE_CHECKING:
    from slides_operator.kube.client import Client
    from slides_operator.webhooks import Deliveries


class MortalOperator:
    """One process of the operator, and those that follow it."""

    def __init__(self, api: FakeApi, now: Callable[[], datetime]) -> None:
        self.api = api
        self.now = now
        self.receiver = Receiver()
        self.settings = SETTINGS
        self.restart()

    def restart(self) -> None:
        self.cache = self.api.listed()
        metrics = Metrics()
        cluster = Cluster(
            cast("Client", self.api),  # its one method that is called
            self.cache,
            self.settings,
            echoes=Echoes(),
            transitions=Transitions(metrics),
            clock=lambda: self.now().timestamp(),
        )
        self.postbox = Postbox(self.receiver, self.now)
        deliveries = cast("Deliveries", self.postbox)
        self.reconciler = Reconciler(cluster, self.cache, self.settings, deliveries, now=self.now)

    def reconcile(self, runner: asyncio.Runner, key: Key) -> datetime | None:
        try:
            return runner.run(self.reconciler.reconcile(key))
        except CrashError:
            self.restart()
        except ExceptionGroup as e:  # of a burst of requests
            _, others = e.split(CrashError)
            assert others is None
            self.restart()
        except ApiError:
            pass  # the work queue tries again later
        return None
