"""What the service is made of: what every handler reaches by its call."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from aiohttp import web

from slides_operator.service.drain import Drain
from slides_operator.service.health import OperatorPulse
from slides_operator.service.metrics import ServiceMetrics
from slides_operator.service.settings import ServiceSettings

if TYPE_CHECKING:
    from slides_operator.service.access import Gatekeeper
    from slides_operator.service.feed import Feed
    from slides_operator.service.gateway import Gateway
    from slides_operator.service.limits import Limits
    from slides_operator.service.store import Store


@dataclass(frozen=True, kw_only=True)
class Service:
    """One running service."""

    settings: ServiceSettings
    store: "Store"
    feed: "Feed"
    gateway: "Gateway"
    gatekeeper: "Gatekeeper"
    limits: "Limits"
    operator: OperatorPulse
    drain: Drain
    metrics: ServiceMetrics
    clock: Callable[[], datetime]
    """The time, aware and in UTC."""


SERVICE = web.AppKey("service", Service)
