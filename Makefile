# `make` lists the targets. Every target sets up what it needs, so any may be the first.

.DEFAULT_GOAL := help
SHELL := /bin/sh

BIN := .venv/bin
# Changes whenever what is installed would; the folder is in it because scripts in .venv name it.
READY := .venv/.ready-$(shell { pwd; echo $(PYTHON); cat requirements/dev.txt pyproject.toml scripts/setup.sh crds/slides_api/__init__.py; } | cksum | cut -d ' ' -f 1)
DEMO := build/demo
# Minutes on a new machine: here one sees how far it is. Where it fails, tests say what they lack.
TOOLS := $(BIN)/python -m tests.cluster tools >/dev/null || true
IMAGES := $(BIN)/python -m scripts.images || true

.PHONY: help setup demo test test-unit e2e lint up images cluster cluster-down lock bench bench-detect bench-operator bench-service chart screenshots clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

setup: $(READY) ## make .venv with all that is locked; brings uv where there is none
	@$(BIN)/python -m compileall -q crds operator runner

$(READY):
	@sh scripts/setup.sh $@

demo: setup ## turn the sample talk into slides, PDF and report
	@$(BIN)/slides extract samples/talk.mp4 --output $(DEMO)
	@echo "Open the report: $(CURDIR)/$(DEMO)/report.html"

test: lint ## all checks and all tests
	@echo "== tools (Go)"
	@$(TOOLS)
	@echo "== images"
	@$(IMAGES)
	@echo "== tests"
	@$(BIN)/pytest

test-unit: setup ## the quick tests alone
	@$(BIN)/pytest -m "not slow and not api and not e2e"

e2e: setup ## the tests on a real cluster alone
	@$(TOOLS)
	@$(IMAGES)
	@$(BIN)/pytest -m e2e

lint: setup ## format, style, layers and types
	@echo "== format (ruff)"
	@$(BIN)/ruff format --check .
	@echo "== style (ruff)"
	@$(BIN)/ruff check .
	@echo "== layers (import-linter)"
	@$(BIN)/lint-imports --no-logo
	@echo "== types (mypy)"
	@$(BIN)/mypy
	@echo "== types (ty)"
	@$(BIN)/ty check

up: setup ## images, cluster, S3 store and chart, and the sample talk followed to its slides
	@$(BIN)/python -m scripts.up

images: setup ## build both images with Docker, Podman or Buildah, into build/images as well
	@$(BIN)/python -m scripts.images

cluster: setup ## have a real cluster: eval "$(make -s cluster)" lets kubectl find it
	@$(BIN)/python -m tests.cluster up

cluster-down: setup ## delete it; nothing of it is left
	@$(BIN)/python -m tests.cluster down

lock: ## write requirements/ anew from pyproject.toml; UPGRADE=1 takes the newest versions
	@sh scripts/lock.sh

bench: bench-detect bench-operator bench-service ## all benchmarks

bench-detect: setup ## F1, speed and memory of detection, beside its peers
	@$(BIN)/python -m benchmarks.detect $(BENCH_ARGS)

bench-operator: setup ## load, writes, delay, memory and restart of the operator on a light cluster
	@$(BIN)/python -m benchmarks.operator $(BENCH_ARGS)

bench-service: setup ## clients, lists and strange requests: the service on a light cluster
	@$(BIN)/python -m benchmarks.service $(BENCH_ARGS)

chart: setup ## write deploy/prod.yaml and docs/chart.md anew from the chart, and the CRDs
	@$(BIN)/python -m slides_api
	@$(BIN)/python -m tests.chart

screenshots: setup ## take the pictures of the page at /ui for docs/images anew
	@SCREENSHOTS=1 $(BIN)/pytest -q tests/service/web/test_screenshots.py

clean: ## remove .venv, build and caches
	@rm -rf .venv build .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
