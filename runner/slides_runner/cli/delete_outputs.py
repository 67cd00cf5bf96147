"""`slides delete-outputs`: what `deletionPolicy: Delete` asks for, in a pod of the resource's own.

A status can be forged by whoever may write it, so the result's folder is believed only where it is
one that a runner makes for this very video: `…/{video key}/{options hash}/`.
"""

import re
from collections.abc import Iterator

from slides_api.conditions import Reason
from slides_api.exit_codes import ExitCode
from slides_api.names import log_folder
from slides_runner.cli.job import Process, work_on
from slides_runner.cli.last_words import words_of_end
from slides_runner.cli.pod import Task
from slides_runner.reporters.status import LastWords
from slides_runner.sinks import OutputFolder
from slides_runner.sinks.deletion import delete_output
from slides_runner.sinks.s3 import build_client

S3_URI = re.compile(r"s3://([^/]+)/(.*)manifest\.json")
OPTIONS_HASH = re.compile(r"[0-9a-f]{8}/")


def delete_outputs() -> ExitCode:
    """Delete the outputs of the resource that JOB_INPUT names, and return the exit code."""
    return work_on(_delete)


def _delete(process: Process) -> LastWords:
    task, kept, deleted = process.task, [], 0
    client = build_client(task.settings, warn=process.display.open("delete-outputs").warn)
    for folder in folders_of(task):
        if is_kept := folder.manifest_uri in task.job.keep:
            kept.append(folder.manifest_uri)
        own = logs_within(folder, task.job.uid) if is_kept else folder
        deleted += delete_output(client, own, check=process.interruption.check)
    if kept:
        return words_of_end(
            Reason.OUTPUTS_KEPT, f"Another resource's result names {', '.join(kept)}."
        )
    return words_of_end(Reason.OUTPUTS_DELETED, f"{deleted} objects deleted.")


def logs_within(folder: OutputFolder, uid: str) -> OutputFolder:
    """Return what is a resource's own in a folder that others' results name."""
    return OutputFolder(folder.bucket, folder.prefix + log_folder(uid))


def folders_of(task: Task) -> Iterator[OutputFolder]:
    """Yield where outputs of the resource lie or may lie, each once.

    An attempt that never finished left what it stored where the options lead today; a result may
    lie elsewhere, after a change of the bucket or of an option's default.
    """
    video, result = task.job.video, task.job.result
    if video is None or not video.key:
        return
    expected = task.folder(video.key)
    yield expected
    found = folder_of(result.manifest_uri, video_key=video.key) if result else None
    if found is not None and found != expected:
        yield found


def folder_of(manifest_uri: str, *, video_key: str) -> OutputFolder | None:
    """Return the folder of a manifest, if it is one that a runner makes for this video."""
    uri = S3_URI.fullmatch(manifest_uri)
    if uri is None:
        return None
    above, separator, rest = uri[2].rpartition(f"{video_key}/")
    is_ours = separator and above[-1:] in {"", "/"} and OPTIONS_HASH.fullmatch(rest)
    return OutputFolder(uri[1], uri[2]) if is_ours else None
