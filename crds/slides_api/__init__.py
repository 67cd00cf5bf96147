"""The resources, reasons, exit codes, names and manifest that operator, runner and clients share.

This package is the only definition of the API: it does no I/O and imports neither kopf nor OpenCV.
"""

__version__ = "0.1.0"
