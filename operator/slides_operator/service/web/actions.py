"""What can be done to a talk, asked before it is done."""

from dataclasses import dataclass
from typing import Literal

from slides_api.v1alpha1 import Phase
from slides_operator.extraction.objects import Json
from slides_operator.service.records import Record
from slides_operator.service.web.addresses import Links

ActionId = Literal["cancel", "retry", "delete"]
VERBS: dict[ActionId, str] = {"cancel": "patch", "retry": "patch", "delete": "delete"}
"""What Kubernetes calls it: who may not do that, may not do this."""


@dataclass(frozen=True)
class Action:
    """A button, and the question behind it."""

    id: ActionId
    word: str
    question: str
    consequence: str
    verb: str
    stay: str
    href: str
    """Of the question, where it cannot be asked in place."""
    post: str
    back: str
    is_grave: bool


def build_actions(record: Record, resource: Json, links: Links) -> tuple[Action, ...]:
    """Return what can be done now."""
    if record.deleted:
        return ()
    if not record.ended:
        return (_cancel(record, links),)
    retry = (_retry(record, links),) if record.phase is Phase.FAILED else ()
    return (*retry, _delete(record, resource, links))


def _cancel(record: Record, links: Links) -> Action:
    return _action(
        record,
        links,
        "cancel",
        word="Cancel",
        question="Cancel this extraction?",
        consequence="Work ends at once and is not taken up again. It can be started anew.",
        verb="Cancel it",
        stay="Go on",
        is_grave=True,
    )


def _retry(record: Record, links: Links) -> Action:
    return _action(
        record,
        links,
        "retry",
        word="Try again",
        question="Try once more?",
        consequence="Another attempt starts now, with the same video and options.",
        verb="Try again",
        stay="Leave it",
        is_grave=False,
    )


def _delete(record: Record, resource: Json, links: Links) -> Action:
    keeps = (resource.get("spec") or {}).get("deletionPolicy") != "Delete"
    return _action(
        record,
        links,
        "delete",
        word="Delete",
        question="Delete this talk?",
        consequence="It leaves this list for good. "
        + ("Its files stay in the bucket." if keeps else "Its files in the bucket go with it."),
        verb="Delete it",
        stay="Keep it",
        is_grave=True,
    )


def _action(record: Record, links: Links, id_: ActionId, *, is_grave: bool, **words: str) -> Action:
    address = links.talk(record, id_)
    return Action(
        id=id_,
        href=address,
        post=address,
        back=links.talk(record),
        is_grave=is_grave,
        **words,
    )
