"""`slides run`: one attempt at a SlideExtraction, inside its pod.

It makes the same request as `slides extract` does and runs the same pipeline; what differs is where
the request comes from (JOB_INPUT), where outputs go (S3) and who hears of it (the status).
"""

import os

from slides_api.exit_codes import ExitCode
from slides_runner.cli.job import Process, work_on
from slides_runner.cli.kept_log import KeptLog
from slides_runner.cli.last_words import words_of_end
from slides_runner.cli.pod import Task
from slides_runner.errors import BadUrlError, InterruptedRunError
from slides_runner.pipeline import RunRequest, RunResult, run
from slides_runner.reporters import Reporter
from slides_runner.reporters.api_server import ApiServer, Resource
from slides_runner.reporters.both import Both
from slides_runner.reporters.cluster import ClusterReporter, Rhythm
from slides_runner.reporters.status import LastWords
from slides_runner.sources.kinds import is_local
from slides_runner.sources.redaction import redact
from slides_runner.workspace import default_root


def run_attempt() -> ExitCode:
    """Do the attempt that JOB_INPUT describes, and return its exit code."""
    return work_on(_run)


def _run(process: Process) -> LastWords:
    kept = KeptLog(process.task, process.lines)
    process.ending.afterwards = kept.store
    reporter = Both(open_reporter(process), kept)
    request = build_request(process.task)
    result = run(request, process.task.settings, reporter, check=process.interruption.check)
    return words_of_end(result.reason, describe(result))


def build_request(task: Task) -> RunRequest:
    """Return what the resource asks for. Raises BadUrlError for a file of the pod itself."""
    spec = task.job.spec
    if is_local(spec.source.url):
        raise BadUrlError(
            f"{redact(spec.source.url)!r} is no address.",
            hint="Give an http(s) URL, s3://bucket/key, youtube:ID or instagram:CODE.",
        )
    return RunRequest(
        source=spec.source,
        outputs=spec.outputs,
        work_root=task.settings.work_dir or default_root(os.environ),
        output=task.output,
        force=spec.force,
        proxy=task.proxy,
        work_limit_bytes=task.pod.work_volume_bytes,
        # An emptyDir has a limit and ends with the pod; a claim has the disk's, and stays.
        work_stays=task.pod.work_volume_bytes is None,
    )


def open_reporter(process: Process) -> Reporter:
    """Return who hears of the run: the log and, in a cluster, the resource's status."""
    said = process.display.open(redact(process.task.job.spec.source.url))
    pod, job = process.task.pod, process.task.job
    if pod.kubernetes_service_host is None:
        said.warn("KUBERNETES_SERVICE_HOST is not set: no status is written.")
        return said
    cluster = ClusterReporter(
        ApiServer(
            pod.kubernetes_service_host,
            pod.kubernetes_service_port,
            service_account=pod.service_account_dir,
        ),
        Resource(job.namespace, job.name),
        attempt=job.attempt,
        earlier_video=job.video,
        rhythm=Rhythm(job.progress_seconds),
        on_over=lambda why: process.interruption.stop(lambda: attempt_over(why)),
        warn=said.warn,
    )
    process.ending.reporter = cluster
    cluster.start()
    return Both(said, cluster)


def attempt_over(why: str) -> InterruptedRunError:
    """Return the error of an attempt whose word nobody takes any more."""
    return InterruptedRunError(
        f"This attempt is over: the API server takes no status of it ({why}).",
        hint="The SlideExtraction was deleted, or a later attempt works on it.",
    )


def describe(result: RunResult) -> str:
    """Return one sentence on what was made."""
    count = len(result.manifest.slides)
    return f"{count} slide{'' if count == 1 else 's'}" if count else "No slide was found"
