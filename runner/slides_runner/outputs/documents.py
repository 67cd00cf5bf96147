"""The documents of a talk: which are asked for, and who makes each."""

from slides_api.v1alpha1 import Document
from slides_runner.artifacts import LocalFile
from slides_runner.outputs import MakeDocument, SlideSet, Talk, slides_options
from slides_runner.outputs.video_segments import Address, write_video_segments


def write_documents(talk: Talk, slide_set: SlideSet, *, address: Address) -> tuple[LocalFile, ...]:
    """Write every document that is asked for, and the segments file, into the work folder.

    `address` tells where keys will lie: a sink's `uri`.
    """
    wanted = dict.fromkeys(slides_options(talk.options).documents)
    made = [DOCUMENTS[document](talk, slide_set) for document in wanted]
    return (write_video_segments(talk, slide_set, address), *made)


def _write_pdf(talk: Talk, slide_set: SlideSet) -> LocalFile:
    # reportlab takes 20 MB, which a run without a PDF need not pay for.
    from slides_runner.outputs.pdf import write_pdf

    return write_pdf(talk, slide_set)


def _write_report(talk: Talk, slide_set: SlideSet) -> LocalFile:
    from slides_runner.outputs.report import write_report

    return write_report(talk, slide_set)


DOCUMENTS: dict[Document, MakeDocument] = {Document.PDF: _write_pdf, Document.HTML: _write_report}
"""Who makes each kind of document."""
