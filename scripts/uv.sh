#!/bin/sh
# Prints the path of a uv that works: the one on PATH, else one brought into build/uv, with the
# version and hashes of requirements/uv.txt. Whatever is said goes to stderr.
set -eu
cd "$(dirname "$0")/.."

brought=build/uv/bin/uv

fail() {
    echo "setup: $1" >&2
    exit 1
}

# A shim (pyenv, asdf) may be on PATH without a program behind it, so it is tried, not looked up.
works() {
    "$1" --version >/dev/null 2>&1
}

bring() {
    python=python3
    works "$python" || python=${PYTHON:-}
    works "$python" || fail "no Python found. Install Python 3.11 or newer, or name one: make setup PYTHON=/path/to/python3"
    echo "setup: no uv on PATH, bringing one into build/uv" >&2
    rm -rf build/uv
    if "$python" -m venv build/uv >&2; then
        build/uv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt >&2
    else
        # Debian keeps ensurepip, which venv needs, in a package of its own; pip alone serves too.
        rm -rf build/uv
        "$python" -m pip install --quiet --disable-pip-version-check --target build/uv --require-hashes -r requirements/uv.txt >&2
    fi || fail "uv could not be installed. Install the package python3-venv, or uv itself, and try again"
}

if works uv; then
    command -v uv
else
    works "$brought" || bring
    echo "$PWD/$brought"
fi
