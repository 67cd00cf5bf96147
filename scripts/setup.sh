#!/bin/sh
# Makes .venv from requirements/dev.txt, every file checked by its hash, with `slides` installed
# from this checkout. PYTHON names another interpreter than the first that fits, and makes .venv
# anew. Argument: the stamp file to leave once all is done.
set -eu
cd "$(dirname "$0")/.."

stamp=$1
python=.venv/bin/python
uv=$(sh scripts/uv.sh)

# A network that looks into TLS is trusted by the system, not by the roots that uv carries.
if [ -n "$(ls /etc/ssl/certs 2>/dev/null)" ]; then
    export UV_SYSTEM_CERTS=1
fi

fits() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

if [ -n "${PYTHON:-}" ] || ! fits "$python"; then
    echo "setup: making .venv"
    "$uv" venv --quiet --clear --python "${PYTHON:->=3.11}" .venv
fi
echo "setup: installing the locked requirements"
rm -f .venv/.ready-*
"$uv" pip sync --quiet --compile-bytecode --python "$python" --require-hashes requirements/dev.txt
# hatchling is among them, so that building this checkout fetches nothing more.
"$uv" pip install --quiet --python "$python" --no-deps --no-build-isolation --editable .
touch "$stamp"
echo "setup: done, with $("$python" --version)"
