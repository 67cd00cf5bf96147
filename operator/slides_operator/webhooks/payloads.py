"""What a webhook says: the end with its full result, in pure functions."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence

from slides_api.conditions import ConditionType
from slides_api.wellknown import BATCH_KIND, BATCH_LABEL, EXTRACTION_KIND, ITEM
from slides_operator.extraction.objects import Json, find_condition

BuildData = Callable[[Json, Sequence[Json]], Json]
"""Makes what is told of a resource, and of the SlideExtractions of a batch."""


def build_body(obj: Json, children: Sequence[Json]) -> bytes:
    """Return the body of the webhook of a resource that ended."""
    return json.dumps(build_payload(obj, children), ensure_ascii=False).encode()


def build_payload(obj: Json, children: Sequence[Json]) -> Json:
    """Return type, time and data of the end, as Standard Webhooks suggests."""
    status = obj["status"]
    return {
        "type": f"{obj['kind'].lower()}.{_word(status)}",
        "timestamp": status["completionTime"],
        "data": DATA[obj["kind"]](obj, children),
    }


def _extraction_data(obj: Json, _: Sequence[Json]) -> Json:
    meta, status = obj["metadata"], obj["status"]
    return {
        **_common(obj),
        "url": obj["spec"]["source"]["url"],
        "batch_id": (meta.get("labels") or {}).get(BATCH_LABEL),
        "item": (meta.get("annotations") or {}).get(ITEM),
        "attempts": (status.get("attempts") or {}).get("current", 0),
        "video": status.get("video"),
        "result": status.get("result"),
    }


def _batch_data(obj: Json, children: Sequence[Json]) -> Json:
    status = obj["status"]
    return {
        **_common(obj),
        "counts": status.get("counts"),
        "items": list(_items(obj, {child["metadata"]["name"]: child for child in children})),
    }


DATA: Mapping[str, BuildData] = {EXTRACTION_KIND: _extraction_data, BATCH_KIND: _batch_data}
"""Who says what. A route whose clients expect another body gives its resources a label, and gets a
row here."""


def _common(obj: Json) -> Json:
    meta, status = obj["metadata"], obj["status"]
    succeeded = find_condition(status.get("conditions"), ConditionType.SUCCEEDED) or {}
    return {
        "job_id": meta["uid"],
        "name": meta["name"],
        "namespace": meta["namespace"],
        "status": _word(status),
        "reason": succeeded.get("reason"),
        "message": succeeded.get("message"),
        "created_at": meta.get("creationTimestamp"),
        "started_at": status.get("startTime"),
        "completed_at": status["completionTime"],
    }


def _items(obj: Json, children: Mapping[str, Json]) -> Iterator[Json]:
    """Yield a row per item; of a SlideExtraction that is gone, what the batch knows of it."""
    urls = {item["name"]: item["url"] for item in obj["spec"]["items"]}
    for row in obj["status"].get("items") or ():
        child = children.get(row.get("extraction", ""), {})
        status = child.get("status") or {}
        succeeded = find_condition(status.get("conditions"), ConditionType.SUCCEEDED) or {}
        yield {
            "name": row["name"],
            "url": urls.get(row["name"]),
            "job_id": (child.get("metadata") or {}).get("uid"),
            "status": row["phase"].lower(),
            "reason": row.get("reason"),
            "message": succeeded.get("message"),
            "video": status.get("video"),
            "result": status.get("result") or _known_result(row),
        }


def _known_result(row: Json) -> Json | None:
    known: Json = {name: row[name] for name in ("manifestURI", "slideCount") if name in row}
    return known or None


def _word(status: Json) -> str:
    word: str = status["phase"].lower()
    return word
