# Says where the service is, once it is ready. Sourced, never run.
# shellcheck shell=bash

# Announces the server that is, or will be, the process PID. Returns at once.
#
# The outer shell ends right away, so that the waiting one belongs to no one: the server would never
# collect a child that it did not start.
announce() { (wait_and_print "$1" </dev/null &) }

wait_and_print() {
    trap '' INT
    local url status cleartext=
    # A process that has ended, collected or not, has no program any more. (`kill -0` would still find one
    # that nobody has collected, and who waits for our output's end before that would wait for ever.)
    while [ -e "/proc/$1/exe" ]; do
        for url in $(listening_urls "$1"); do
            # What answers in cleartext, if only to say that it is loading, would log a bad request.
            [ "$url" = "https${cleartext#http}" ] && continue
            status=0
            curl -fsk --noproxy '*' --max-time 2 -o /dev/null "$url/health/ready" 2>/dev/null ||
                status=$?
            case $status in
                0 | 22) cleartext=$url ;;
            esac
            if [ "$status" = 0 ] && print_example "$url"; then return; fi
        done
        sleep 0.05
    done
}

# The addresses that the process listens on, from the kernel: so they are right whatever flag,
# variable or file set them, a free port and TLS included.
listening_urls() {
    local inodes port
    inodes=$(find "/proc/$1/fd" -lname 'socket:*' -printf '%l\n' 2>/dev/null | tr -dc '0-9\n')
    # Columns of /proc/net/tcp: 2 local address:port in hexadecimal, 4 state (0A: listening), 10 inode.
    cat "/proc/$1/net/tcp" "/proc/$1/net/tcp6" 2>/dev/null |
        awk -v inodes="$inodes" '
            BEGIN { count = split(inodes, list, "\n"); for (i = 1; i <= count; i++) ours[list[i]] }
            $4 == "0A" && $10 in ours { print $2 }' |
        sort -u | while IFS=: read -r address port; do
            printf 'http://%s:%d\nhttps://%s:%d\n' \
                "$(readable_address "$address")" "0x$port" "$(readable_address "$address")" "0x$port"
        done
}

# An address of /proc/net/tcp as a URL wants it. There each group of eight digits is a word with its
# bytes in reverse. "Any address" is reached by the loopback one.
readable_address() {
    case $1 in
        00000000) echo 127.0.0.1 ;;
        00000000000000000000000000000000) echo '[::1]' ;;
        ????????) printf '%d.%d.%d.%d\n' "0x${1:6:2}" "0x${1:4:2}" "0x${1:2:2}" "0x${1:0:2}" ;;
        *)
            printf '%s\n' "$1" | sed -E \
                's/(..)(..)(..)(..)/\4\3:\2\1:/g; s/0000:/0:/g; s/(^|:)0+([0-9A-F])/\1\2/g; s/(.*):$/[\1]/'
            ;;
    esac
}

# Prints how to ask the service at URL. Fails when it is the listener for metrics alone, which knows health,
# too, but no models.
print_example() {
    local flags='' name models
    case $1 in https:*) flags='-k ' ;; esac
    models=$(curl -sk --noproxy '*' --max-time 2 -w '\n%{http_code}' "$1/v1/models" 2>/dev/null || true)
    case $models in *404) return 1 ;; esac
    name=$(sed -n 's/.*"id": *"\([^"]*\)".*/\1/p' <<<"$models" | head -n 1)
    case $name in '' | '*') name=all-MiniLM-L6-v2 ;; esac
    cat <<TEXT

quiver is ready at $1 (stop it with Control-C). Try:

  curl $flags$1/v1/embeddings -H 'Content-Type: application/json' \\
    -d '{"model": "$name", "input": "The boat drifted to the river bank."}'

TEXT
}
