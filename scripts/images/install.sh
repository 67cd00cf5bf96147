#!/bin/sh
# What both Dockerfiles run while they build. /build holds pip and hatchling, which stay out of the
# image; /opt/venv is what it installs, and /package what is ours of it.
#   install.sh libraries NAME   all of requirements/NAME.txt, each file by its hash
#   install.sh package          this project, from the sources beside
set -eu

here=$(dirname "$0")
export PIP_CACHE_DIR=/var/cache/pip PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_COMPILE=1 \
    PIP_ROOT_USER_ACTION=ignore
for secret in ca-certificates:PIP_CERT pip.conf:PIP_CONFIG_FILE; do
    file=/run/secrets/${secret%:*}
    if [ -s "$file" ]; then
        export "${secret#*:}=$file"
    fi
done

# Not checked against its source when it is loaded: nobody edits an image, and the start is quicker.
compile() {
    /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash "$1"
}

install() {
    /build/bin/pip --python /opt/venv/bin/python install --quiet --only-binary :all: "$@"
}

# Measured in the runner's wheels: tests, stubs and static libraries are 9 MB and as much bytecode,
# debugging symbols 38 MB. Of botocore, 21 MB describe services other than S3 and what signs in to it;
# of kubernetes, 55 MB are the blocking client, which the operator cannot use in its event loop.
slim() {
    find . -type d -name tests -prune -exec rm -r {} +
    find . -type f '(' -name '*.a' -o -name '*.pyi' ')' -delete
    if [ -d botocore ]; then
        find botocore/data -mindepth 1 -maxdepth 1 -type d \
            ! -name s3 ! -name sts ! -name sso ! -name sso-oidc ! -name signin -exec rm -r {} +
    fi
    if [ -d kubernetes ]; then
        find kubernetes/client/api kubernetes/client/models -type f ! -name __init__.py -delete
    fi
    find . -type f -name '*.so*' -exec python3 "$1" {} +
}

libraries() {
    python3 -m venv /build
    /build/bin/pip install --quiet --require-hashes -r requirements/build.txt
    python3 -m venv --without-pip /opt/venv
    install --require-hashes -r "requirements/$1.txt"
    strip=$(realpath "$here/strip.py")
    cd /opt/venv/lib/python3*/site-packages
    slim "$strip"
    compile .
}

package() {
    /build/bin/python -m hatchling build -t wheel -d dist
    install --no-deps --no-index --prefix /package dist/*.whl
    compile /package
}

"$@"
