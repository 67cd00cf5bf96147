#!/bin/sh
# Writes requirements/*.txt from pyproject.toml: one version of each library for every Python from
# 3.11 on, each file by its hash, no registry named. UPGRADE=1 takes the newest that fit.
set -eu
cd "$(dirname "$0")/.."

uv=$(sh scripts/uv.sh)
if [ -n "$(ls /etc/ssl/certs 2>/dev/null)" ]; then
    export UV_SYSTEM_CERTS=1
fi

lock() {
    output=requirements/$1.txt
    shift
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
        --custom-compile-command "make lock" ${UPGRADE:+--upgrade} --output-file "$output" "$@"
    echo "lock: $output"
}

lock dev pyproject.toml --extra operator --extra runner --group tools
# Constrained to dev, so that what is tested is what the images install.
lock runner pyproject.toml --extra runner --constraint requirements/dev.txt
lock operator pyproject.toml --extra operator --constraint requirements/dev.txt
lock build --group build --constraint requirements/dev.txt
lock uv --group uv
