"""Where a video comes from: `spec.source`."""

from typing import Annotated

from pydantic import Field

from slides_api.v1alpha1.base import LARGEST, ApiModel, LocalReference, rule, rules

SOURCE_URL = r"^(https?://|s3://|youtube:|instagram:)[^\x00-\x1f\x7f]+$"
"""What a pod can read: a path would be one of the pod's own files."""
LONGEST_URL = 4096


class SourceOptions(ApiModel):
    """How a video is fetched, whichever it is."""

    secret_ref: LocalReference | None = None
    """Secret of this namespace with any of the keys cookies.txt, username, password, proxy."""
    max_height: Annotated[int, Field(ge=144, le=4320)] = 1080
    """Greatest picture height to download, in pixels."""
    max_duration_seconds: Annotated[int, Field(ge=1, le=LARGEST)] | None = None
    """Refuse longer videos (reason TooLong)."""
    max_bytes: Annotated[int, Field(ge=1, le=LARGEST)] | None = None
    """Refuse larger downloads (reason TooBig)."""


class Source(SourceOptions):
    """Where the video comes from."""

    url: Annotated[
        str,
        Field(
            min_length=1,
            max_length=LONGEST_URL,
            json_schema_extra=rules(
                rule(
                    f"self.matches(r'{SOURCE_URL}')",
                    "not a source that a pod can read: give an http(s) URL, s3://bucket/key, "
                    "youtube:ID or instagram:CODE",
                )
            ),
        ),
    ]
    """http(s) URL, s3://bucket/key, youtube:ID, instagram:CODE, or anything yt-dlp knows."""
