# What the tests need beyond the build: Python packages and promtool. Sourced, never run.
# shellcheck shell=bash

requirements=$repository/Tests/EndToEnd/requirements.txt
promtool=

# Provides a Python environment with the pinned clients; sets `python`.
#
# One environment for each text of the list, so that a changed list makes a new one. The marker is
# written last: an environment without it was cut off, and is made anew.
provide_python() {
    local digest
    digest=$(sha256sum "$requirements" | cut -c 1-12)
    local environment=$cache/test-python-$digest
    python=$environment/bin/python
    [ -f "$environment/.complete" ] && return
    require_python venv
    take_lock "$cache/.test-python.lock"
    if [ ! -f "$environment/.complete" ]; then
        say "making the Python environment of the tests in $environment"
        rm -rf "$environment"
        { python3 -m venv "$environment" &&
            "$python" -m pip install --quiet --disable-pip-version-check -r "$requirements"; } >&2 ||
            die "the Python packages of $requirements could not be installed (see above)"
        touch "$environment/.complete"
    fi
    release_lock
}

# Provides promtool, Prometheus' checker of the metrics' format; sets `promtool`.
#
# Taken out of Debian's package without installing it: nobody wants a Prometheus service to start
# for the sake of one program.
provide_promtool() {
    if command -v promtool >/dev/null; then
        promtool=$(command -v promtool)
        return
    fi
    promtool=$cache/tools/promtool
    [ -x "$promtool" ] && return
    command -v apt-get >/dev/null ||
        die "promtool is missing (it comes with Prometheus); put it on the PATH and retry"
    take_lock "$cache/tools/.lock"
    if [ ! -x "$promtool" ]; then
        say "fetching promtool"
        (unpack_promtool) >&2 || die "Debian's package 'prometheus' could not be fetched (see above).
  Or put a promtool on the PATH, and retry"
    fi
    release_lock
}

unpack_promtool() {
    set -e
    local folder
    folder=$(mktemp -d "$cache/tools/.unfinished.XXXXXX")
    # shellcheck disable=SC2064
    trap "rm -rf '$folder'" EXIT
    # apt's own user fetches the file when root asks for it.
    chmod 755 "$folder"
    if [ "$(id -u)" = 0 ] && id _apt >/dev/null 2>&1; then chown _apt "$folder"; fi
    cd "$folder"
    apt-get -qq download prometheus || {
        as_root apt-get -qq update
        apt-get -qq download prometheus
    }
    dpkg-deb -x prometheus_*.deb unpacked
    mv unpacked/usr/bin/promtool "$promtool"
}
