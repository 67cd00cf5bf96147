"""The commands and their options; what they do is in a module each.

Nothing heavy is imported here, so that `slides --help` and mistyped options answer at once.
"""

import gc
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from slides_api import __version__

HELP = """Turn talk videos into their slides, with the times at which each is on screen.

\b
  slides extract talk.mp4                       slides, PDF and report in ./talk-slides/
  slides extract https://www.youtube.com/watch?v=... --output slides/
  slides extract *.mp4 --output talks/ --jobs 4
  slides extract s3://videos/talk.mp4 --output s3://slides/talks
  slides probe youtube:dQw4w9WgXcQ              what would be done; downloads nothing
  slides inspect talk-slides/                   look at an output and check it
"""
EPILOG = """\b
Stopped by Ctrl-C, the same command goes on with what was downloaded. An output
that is there already is not made again, unless with --force.

\b
Environment, also read from .env in the working folder:
  DATACENTER_PROXY, ZYTE_API_KEY   proxies for downloads
  COOKIES_FILE                     cookies.txt for sites that want a login
  S3_ENDPOINT, S3_ACCESS_KEY, S3_SECRET_KEY, S3_BUCKET_NAME
  LOG_LEVEL                        DEBUG, INFO, WARNING or ERROR
.env.example has all of them.

\b
Exit codes (`slides exit-codes` has all of them):
  0      done, also when the video shows no slide
  2      the command line is wrong
  64-79  permanent: the same input fails again
  80-95  a later attempt may succeed
  96-99  the source is not ready yet
  130    stopped by Ctrl-C; 143 by SIGTERM
  1      some of several sources failed; with one source, a bug
"""
EXTRACT_EPILOG = """\b
Examples:
  slides extract talk.mp4 --output slides/ --format png --no-pdf
  slides extract talk.mp4 --region 0,0,0.75,1      the presenter sits at the right
  slides extract URL --json | jq '.slides[].spans'
"""

ImageFormatName = Literal["webp", "png", "jpeg"]
SensitivityName = Literal["low", "normal", "high"]

Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="SOURCE",
        help="Video file, http(s) URL, s3://bucket/key, youtube:ID, instagram:CODE, "
        "or the page of any site that yt-dlp knows.",
        show_default=False,
    ),
]
OutputOption = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="DIR|s3://BUCKET/PREFIX",
        help="Where the slides go. One talk goes straight into DIR, several into a folder each. "
        "By default a folder here, named after the talk.",
        show_default=False,
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document per source, nothing else.")
]
MaxHeightOption = Annotated[
    int, typer.Option("--max-height", metavar="PIXELS", help="Greatest height to download.")
]
MaxDurationOption = Annotated[
    int | None,
    typer.Option(
        "--max-duration", metavar="SECONDS", help="Refuse longer videos.", show_default=False
    ),
]
MaxBytesOption = Annotated[
    int | None,
    typer.Option("--max-bytes", metavar="BYTES", help="Refuse larger ones.", show_default=False),
]
ProxyOption = Annotated[
    str | None,
    typer.Option(
        "--proxy",
        metavar="URL",
        help="Proxy of this call, as URL or user:pass@host:port.",
        show_default=False,
    ),
]
CookiesOption = Annotated[
    Path | None,
    typer.Option(
        "--cookies",
        metavar="FILE",
        help="Netscape cookies.txt; read, never written.",
        show_default=False,
    ),
]
AllowPrivateOption = Annotated[
    bool,
    typer.Option(
        "--allow-private", help="Let URLs lead into private networks and to this machine."
    ),
]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="Log every step, and traces of bugs.")
]

app = typer.Typer(
    name="slides",
    help=HELP,
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"slides {__version__}")
        raise typer.Exit


@app.callback()
def _slides(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    pass


@app.command(epilog=EXTRACT_EPILOG, no_args_is_help=True)
def extract(
    sources: Sources,
    *,
    output: OutputOption = None,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", metavar="N", min=1, help="Sources at once.")
    ] = 1,
    json: JsonOption = False,
    force: Annotated[bool, typer.Option("--force", help="Make the output anew.")] = False,
    image_format: Annotated[
        ImageFormatName, typer.Option("--format", help="Of the slide images.")
    ] = "webp",
    quality: Annotated[
        int, typer.Option("--quality", metavar="N", help="Of webp and jpeg images, 1 to 100.")
    ] = 80,
    sensitivity: Annotated[
        SensitivityName,
        typer.Option("--sensitivity", help="How small a change starts a new slide."),
    ] = "normal",
    min_duration: Annotated[
        float,
        typer.Option(
            "--min-duration", metavar="SECONDS", help="A picture that stands shorter is no slide."
        ),
    ] = 0.6,
    region: Annotated[
        str | None,
        typer.Option(
            "--region",
            metavar="LEFT,TOP,WIDTH,HEIGHT",
            help="Look for slides only there, in fractions of the picture: 0,0,0.75,1.",
            show_default=False,
        ),
    ] = None,
    pdf: Annotated[bool, typer.Option("--pdf/--no-pdf", help="Make slides.pdf.")] = True,
    html: Annotated[bool, typer.Option("--html/--no-html", help="Make report.html.")] = True,
    max_height: MaxHeightOption = 1080,
    max_duration: MaxDurationOption = None,
    max_bytes: MaxBytesOption = None,
    proxy: ProxyOption = None,
    cookies: CookiesOption = None,
    allow_private: AllowPrivateOption = False,
    work_dir: Annotated[
        Path | None,
        typer.Option(
            "--work-dir",
            metavar="DIR",
            help="Where downloads are kept while they are needed.  [default: the user's cache]",
            show_default=False,
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
    verbose: VerboseOption = False,
) -> None:
    """Extract the slides of one or more videos.

    The output holds slides/0001.webp and so on, slides.pdf, report.html to look through,
    video_segments.json, and manifest.json with the times of every slide.
    """
    from slides_runner.cli.extract import ExtractOptions, extract_all
    from slides_runner.cli.options import SlideOptions, SourceOptions

    options = ExtractOptions(
        source=SourceOptions(
            max_height,
            max_duration,
            max_bytes,
            proxy=proxy,
            cookies=cookies,
            allow_private=allow_private,
        ),
        slides=SlideOptions(
            image_format, quality, sensitivity, min_duration, region, pdf=pdf, html=html
        ),
        output=output,
        jobs=jobs,
        force=force,
        work_dir=work_dir,
        is_json=json,
        is_quiet=quiet,
        is_verbose=verbose,
    )
    raise typer.Exit(extract_all(sources, options))


@app.command(no_args_is_help=True)
def probe(
    sources: Sources,
    *,
    output: OutputOption = None,
    json: JsonOption = False,
    max_height: MaxHeightOption = 1080,
    max_duration: MaxDurationOption = None,
    max_bytes: MaxBytesOption = None,
    proxy: ProxyOption = None,
    cookies: CookiesOption = None,
    allow_private: AllowPrivateOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Say what would be done with a source, or why it would be refused; download nothing."""
    from slides_runner.cli.options import SourceOptions
    from slides_runner.cli.probe import ProbeOptions, probe_all

    source = SourceOptions(
        max_height,
        max_duration,
        max_bytes,
        proxy=proxy,
        cookies=cookies,
        allow_private=allow_private,
    )
    options = ProbeOptions(source, output, is_json=json, is_verbose=verbose)
    raise typer.Exit(probe_all(sources, options))


@app.command(no_args_is_help=True)
def inspect(
    output: Annotated[
        str, typer.Argument(metavar="DIR|s3://BUCKET/PREFIX|MANIFEST", help="A finished output.")
    ],
    json: JsonOption = False,
    links: Annotated[
        bool,
        typer.Option("--links", help="Show a link for every file; presigned for S3."),
    ] = False,
    expires: Annotated[
        int, typer.Option("--expires", metavar="SECONDS", help="Validity of presigned links.")
    ] = 3600,
    verbose: VerboseOption = False,
) -> None:
    """Show a finished output, and check that all of its files are there and whole."""
    from slides_runner.cli.inspect import InspectOptions, inspect_output

    options = InspectOptions(links=links, expires_s=expires, is_json=json, is_verbose=verbose)
    raise typer.Exit(inspect_output(output, options))


@app.command(name="exit-codes")
def exit_codes(
    markdown: Annotated[
        bool, typer.Option("--markdown", help="As the page of the documentation.")
    ] = False,
) -> None:
    """List every exit code with its reasons."""
    from slides_runner.cli.exit_codes import render_markdown, render_text

    typer.echo(render_markdown() if markdown else render_text(), nl=False)


@app.command(hidden=True)
def run() -> None:
    """Work on one attempt at a SlideExtraction, inside its pod; the operator's Jobs call it.

    Its task comes from JOB_INPUT, its outputs go to S3, its progress to the resource's status.
    """
    from slides_runner.cli.run import run_attempt

    raise typer.Exit(run_attempt())


@app.command(name="delete-outputs", hidden=True)
def delete_outputs() -> None:
    """Delete what a SlideExtraction's runner stored; the operator's Jobs call it.

    What is deleted comes from JOB_INPUT. Outputs that another resource's result names are kept.
    """
    from slides_runner.cli.delete_outputs import delete_outputs as delete

    raise typer.Exit(delete())


GARBAGE_THRESHOLD = 100_000
"""New objects between two searches for cycles; measured: 5 % less CPU for a talk of three minutes,
as most objects are made by imports and stay."""


def main() -> None:
    """Run the command line; whatever is not expected is a bug and says so."""
    gc.set_threshold(GARBAGE_THRESHOLD)
    try:
        app(prog_name="slides")
    except Exception as e:  # noqa: BLE001 - the process boundary
        from slides_runner.cli.messages import report_bug

        sys.exit(report_bug(e, is_verbose="--verbose" in sys.argv or "-v" in sys.argv))
