"""Builds the two images, with whichever tool is there: `make images`."""

from scripts.images.build import Image, build_images
from scripts.images.engines import ImageError

__all__ = ["Image", "ImageError", "build_images"]
