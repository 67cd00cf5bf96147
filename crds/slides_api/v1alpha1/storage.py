"""Where outputs go and where the work is done: `spec.storage`, `spec.workVolume`."""

from typing import Annotated

from pydantic import ConfigDict, Field

from slides_api.v1alpha1.base import (
    ApiModel,
    LocalReference,
    ObjectName,
    Quantity,
    rule,
    rules,
)


class S3Storage(ApiModel):
    """An S3 bucket; what is left out comes from the namespace's ConfigMap and Secret."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "!(has(self.secretRef) && has(self.workloadIdentity) && self.workloadIdentity)",
                "name a Secret or use the pod's own identity: remove secretRef or workloadIdentity",
            ),
        )
    )

    endpoint: (
        Annotated[
            str,
            Field(
                max_length=512,
                json_schema_extra=rules(
                    rule(
                        r"self.matches(r'^https?://[^\s/]+/?$')",
                        "give the endpoint as URL with host and port alone, such as "
                        "https://s3.example.com:9000",
                    )
                ),
            ),
        ]
        | None
    ) = None
    """URL of the store; by default S3_ENDPOINT of the namespace, else AWS."""
    region: Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9-]+$")] | None = None
    """Region of the bucket; by default S3_REGION of the namespace."""
    bucket: (
        Annotated[str, Field(min_length=3, max_length=255, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]+$")]
        | None
    ) = None
    """Bucket; by default S3_BUCKET_NAME of the namespace."""
    prefix: (
        Annotated[str, Field(max_length=512, pattern=r"^[^/\x00-\x1f\x7f][^\x00-\x1f\x7f]*$")]
        | None
    ) = None
    """Prefix of all keys in the bucket, without a slash at its beginning."""
    secret_ref: LocalReference | None = None
    """Secret with S3_ACCESS_KEY and S3_SECRET_KEY, instead of the namespace's own."""
    workload_identity: bool = False
    """Take no keys from a Secret: the pod's service account has its own access to the store."""


class Storage(ApiModel):
    """Where outputs are stored."""

    s3: S3Storage
    """An S3 bucket."""


class EmptyDir(ApiModel):
    """Room on the node, which ends with the pod: each attempt downloads anew."""

    size_limit: Quantity | None = None
    """Most that it may hold; by default WORK_VOLUME_SIZE of the operator."""


class Claim(ApiModel):
    """A PersistentVolumeClaim of the extraction's own: a further attempt resumes the download."""

    storage_class_name: ObjectName | None = None
    """Storage class; by default the cluster's."""
    size: Quantity | None = None
    """Size; by default WORK_VOLUME_SIZE of the operator."""


class WorkVolume(ApiModel):
    """The volume that holds the video while it is worked on."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "has(self.emptyDir) != has(self.claim)",
                "give exactly one kind of work volume: emptyDir or claim",
            )
        )
    )

    empty_dir: EmptyDir | None = None
    """Room on the node, which ends with the pod: each attempt downloads anew."""
    claim: Claim | None = None
    """A claim of the extraction's own, kept between attempts so that downloads resume."""
