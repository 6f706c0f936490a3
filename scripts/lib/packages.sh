# The system packages that the project needs, and the toolchain. Sourced, never run.
# shellcheck shell=bash

# Installs Debian packages; says plainly what to do where that is not possible.
install_packages() {
    if ! command -v apt-get >/dev/null; then
        die "these are missing: $*
  (Debian's names; there is no apt-get here, so install what your system calls them, then retry)"
    fi
    say "installing: $*"
    # A failing update is no failure yet: the lists on the machine may do.
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update >&2 ||
        say "warning: the package lists could not be updated"
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq install -y --no-install-recommends "$@" >&2 ||
        die "the packages could not be installed. Have an administrator run:
  apt-get update && apt-get install -y --no-install-recommends $*"
}

# Installs what the build needs and lacks. Asks for the thing itself, not for Debian's package, so that
# a library from elsewhere serves as well.
require_build_packages() {
    local missing=()
    command -v pkg-config >/dev/null || missing+=(pkg-config)
    have_library openssl openssl/ssl.h || missing+=(libssl-dev)
    have_library zlib zlib.h || missing+=(zlib1g-dev)
    have_library yaml-0.1 yaml.h || missing+=(libyaml-dev)
    command -v git >/dev/null || missing+=(git)
    command -v curl >/dev/null || missing+=(curl)
    [ "${#missing[@]}" = 0 ] || install_packages "${missing[@]}" ca-certificates
}

have_library() {
    if command -v pkg-config >/dev/null; then
        pkg-config --exists "$1"
    else
        find /usr/include -path "*/$2" -print -quit 2>/dev/null | grep -q .
    fi
}

# Needs Python with pip (and with venv when called with "venv").
require_python() {
    local missing=()
    command -v python3 >/dev/null || missing+=(python3)
    python3 -m pip --version >/dev/null 2>&1 || missing+=(python3-pip)
    if [ "${1:-}" = venv ]; then
        python3 -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3-venv)
    fi
    [ "${#missing[@]}" = 0 ] || install_packages "${missing[@]}" ca-certificates
}

# The oldest toolchain that the manifest takes (its first line).
minimum_swift=6.2

require_swift() {
    local hint="Install Swift $minimum_swift or newer from https://www.swift.org/install/linux
  (for example with swiftly: 'swiftly install latest'), see that 'swift --version' works, and retry."
    command -v swift >/dev/null || die "there is no Swift toolchain on the PATH.
  $hint"
    local version
    version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9.]*[0-9]\).*/\1/p' | head -n 1)
    [ -n "$version" ] || die "'swift --version' does not work.
  $hint"
    # `sort -V` puts the smaller version first.
    [ "$(printf '%s\n' "$minimum_swift" "$version" | sort -V | head -n 1)" = "$minimum_swift" ] ||
        die "Swift $version is too old; the project needs $minimum_swift.
  $hint"
}

# What the tests call besides.
require_test_packages() {
    local missing=()
    command -v openssl >/dev/null || missing+=(openssl)
    command -v curl >/dev/null || missing+=(curl)
    [ "${#missing[@]}" = 0 ] || install_packages "${missing[@]}"
}
