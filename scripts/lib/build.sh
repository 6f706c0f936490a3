# The release build, and when it may be left out. Sourced, never run.
# shellcheck shell=bash

quiver=$repository/.build/release/quiver

# The stamp's time is that of the last good build's beginning, its text names the compiler.
build_stamp=$repository/.build/release-build.stamp

# Whether the release binary is newer than everything that it is made from.
#
# The change time (ctime) is asked for, not the modification time, as copying tools and git may set the
# latter back; a folder's own time tells of files that were removed. A change after the build began
# is newer than the stamp even if the compiler had not read that file yet.
release_is_current() {
    [ -x "$quiver" ] && [ -f "$build_stamp" ] || return 1
    [ "$(cat "$build_stamp")" = "$(compiler_identity)" ] || return 1
    local changed
    changed=$(find "$repository/Package.swift" "$repository/Sources" \
        -cnewer "$build_stamp" -print -quit) || return 1
    [ -z "$changed" ]
}

# The compiler's real path, size and time: cheap, and different after an update of the toolchain.
compiler_identity() {
    local swift
    swift=$(command -v swift) || return 1
    swift=$(readlink -f "$swift")
    stat -c '%n %s %Y' "$swift"
}

# Builds .build/release/quiver unless it is current.
build_release() {
    release_is_current && return
    take_lock "$repository/.build/release-build.lock"
    if ! release_is_current; then
        require_build_packages
        require_swift
        say "building the release binary (some minutes the first time)"
        local stamp=$build_stamp.new
        compiler_identity >"$stamp"
        # The stamp must be older than any change from here on, however coarse the clock of the files.
        sleep 0.02
        (cd "$repository" && swift build -c release --product quiver >&2) ||
            die "the build failed; its messages are above"
        mv "$stamp" "$build_stamp"
    fi
    release_lock
}
