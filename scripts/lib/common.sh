# What the scripts share: messages, the cache folder, commands that need root. Sourced, never run.
# shellcheck shell=bash

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# Everything that is downloaded lives here, outside the working tree. QUIVER_CACHE moves it.
cache=${QUIVER_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/quiver}

# Progress goes to standard error: standard output belongs to the program that is started.
say() { printf '%s\n' "$*" >&2; }

die() {
    say "error: $*"
    exit 1
}

# Runs a command as root, through sudo if need be.
# Returns 1 without running it when there is no way; a sudo that would have to ask for a password
# may only do so where somebody can answer.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif ! command -v sudo >/dev/null; then
        return 1
    elif [ -t 0 ]; then
        sudo "$@"
    else
        sudo -n "$@" 2>/dev/null
    fi
}

# Takes the lock NAME for as long as this shell and its children live, so that two starts at once
# do not build or download the same thing twice.
take_lock() {
    mkdir -p "$(dirname "$1")"
    exec {lock}>"$1"
    flock "$lock"
}

release_lock() { exec {lock}>&-; }
