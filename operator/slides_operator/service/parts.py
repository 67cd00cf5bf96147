"""What the service is made of: what every handler reaches by its call."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from aiohttp import web

from slides_operator.service.access import Gatekeeper
from slides_operator.service.audience import Audience
from slides_operator.service.connections import Connections
from slides_operator.service.drain import Drain
from slides_operator.service.feed import Feed
from slides_operator.service.gateway import Gateway
from slides_operator.service.health import OperatorPulse
from slides_operator.service.limits import Limits
from slides_operator.service.logs import Logbook
from slides_operator.service.manifests import Manifests
from slides_operator.service.metrics import ServiceMetrics
from slides_operator.service.outputs import Outputs
from slides_operator.service.settings import ServiceSettings
from slides_operator.service.store import Store


@dataclass(frozen=True, kw_only=True)
class Service:
    """One running service."""

    settings: ServiceSettings
    store: Store
    feed: Feed
    gateway: Gateway
    gatekeeper: Gatekeeper
    limits: Limits
    operator: OperatorPulse
    drain: Drain
    metrics: ServiceMetrics
    clock: Callable[[], datetime]
    """The time, aware and in UTC."""
    connections: Connections = field(default_factory=Connections)
    audience: Audience = field(default_factory=Audience)

    @cached_property
    def outputs(self) -> Outputs:
        """The bucket of outputs; opened by the first who asks for some."""
        return Outputs(self.settings)

    @cached_property
    def manifests(self) -> Manifests:
        """The manifests of finished talks."""
        return Manifests(self.gateway, self.outputs)

    @cached_property
    def logbook(self) -> Logbook:
        """What happened to jobs."""
        return Logbook(self.gateway, self.outputs)


SERVICE = web.AppKey("service", Service)
