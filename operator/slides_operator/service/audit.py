"""The audit log: one line for each write, with who asked for it, and for each refusal.

Names, addresses and outcomes only. Whoever handles a request says once who acts; what is written
meanwhile, wherever in the code, is told under that name.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import structlog

from slides_operator.errors import ApiError
from slides_operator.service.problems import ProblemError

log = structlog.get_logger("slides_operator.audit")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who a write is made for."""

    name: str
    kind: str
    address: str = ""
    request_id: str = ""


REFUSALS = frozenset({401, 403, 429})
NOBODY = Actor("service", "service")
"""Whoever writes while no request is handled."""
_ACTOR: ContextVar[Actor] = ContextVar("actor", default=NOBODY)


@contextmanager
def acting_for(actor: Actor) -> Iterator[None]:
    """Tell what is written inside the block under this name, also by tasks begun in it."""
    token = _ACTOR.set(actor)
    try:
        yield
    finally:
        _ACTOR.reset(token)


@contextmanager
def told(verb: str, kind: str, namespace: str, name: str) -> Iterator[None]:
    """Log the write that the block makes, with how it ended."""
    try:
        yield
    except ApiError as e:
        note(verb, kind, namespace, name, outcome=e.result, status=e.status)
        raise
    note(verb, kind, namespace, name, outcome="ok")


def note(
    verb: str, kind: str, namespace: str, name: str, *, outcome: str, status: int | None = None
) -> None:
    """Log a write, or one that was refused before it was tried."""
    actor = _ACTOR.get()
    log.info(
        "write",
        verb=verb,
        kind=kind,
        namespace=namespace,
        name=name,
        outcome=outcome,
        **({} if status is None else {"status": status}),
        **_by(actor),
    )


@contextmanager
def refusals_told(method: str, path: str) -> Iterator[None]:
    """Log what the block turns away: no or wrong credentials, no right, too many requests."""
    try:
        yield
    except ProblemError as e:
        if e.status in REFUSALS:
            log.warning(
                "refused",
                method=method,
                path=path,
                status=e.status,
                why=e.detail,
                **_by(_ACTOR.get()),
            )
        raise


def _by(actor: Actor) -> dict[str, str]:
    """Return an actor as the fields of a line."""
    return {
        "caller": actor.name,
        "caller_kind": actor.kind,
        "address": actor.address,
        "request_id": actor.request_id,
    }
