"""Labels and annotations that the operator alone reads, besides `slides_api.wellknown`."""

from slides_api.wellknown import GROUP

DELETION_LABEL = f"{GROUP}/deletion"
"""On a Job that deletes outputs, and its pod: number of the try."""
PROGRESS_ANNOTATION = f"{GROUP}/progress-seconds"
"""On Jobs: seconds between the reports that the runner was told to make."""
TEMPLATE_ANNOTATION = f"{GROUP}/pod-template"
"""On Jobs: hash of the podTemplate that they were made from."""
