"""The Kubernetes operator of Slides Extractor."""
