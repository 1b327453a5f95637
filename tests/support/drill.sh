#!/usr/bin/env bash
# Follows the drill of deploy/RUNBOOK.md: runs its commands in one shell, and looks for the lines that it promises. A command
# with lines below it only looks at something and is repeated until all of them were there, in this order, within a minute;
# "…" in a line stands for anything. Ports are free ones. Last line: "N passed, N failed".
#
#   PERKLINE=build/release/perkline tests/support/drill.sh [RUNBOOK]
set +u # the commands are written for a plain shell
cd "$(dirname "$0")/../.." || exit 1
binary=$(realpath "${PERKLINE:-build/release/perkline}")
runbook=${1:-deploy/RUNBOOK.md}
limit_s=60
work=$(mktemp -d)
passed=0 failed=0

end() {
    local pids
    pids=$(jobs -p)
    [ -z "$pids" ] || kill -9 $pids 2>/dev/null # frozen ones, too
    wait 2>/dev/null
    rm -rf "$work" "${drill:-$work}"
}
trap end EXIT

free_ports() { # three of them
    python3 -c 'import socket
all = [socket.socket() for _ in range(3)]
for one in all: one.bind(("127.0.0.1", 0))
print(*(one.getsockname()[1] for one in all))'
}

# Are all the lines in the output, in this order?
shows() { # output expected
    local rest=$1 line
    while IFS= read -r line; do
        [ -n "$line" ] || continue
        line=$(printf '%s' "$line" | sed 's/[][\\*?]/\\&/g; s/…/*/g')
        # shellcheck disable=SC2295  (a pattern on purpose)
        case $rest in *$line*) rest=${rest#*$line} ;; *) return 1 ;; esac
    done <<<"$2"
}

follow() { # command expected
    local output deadline=$((SECONDS + limit_s))
    if [ -z "$2" ]; then
        eval "$1" >"$work/output" 2>&1
        return
    fi
    while :; do
        output=$(eval "$1" 2>&1)
        if shows "$output" "$2"; then
            passed=$((passed + 1))
            return
        fi
        [ "$SECONDS" -lt "$deadline" ] || break
        sleep 0.3
    done
    failed=$((failed + 1))
    printf 'FAIL  $ %s\nexpected:\n%s\ngot:\n%s\n' "$1" "$2" "$output"
}

read -r kafka redis provider < <(free_ports)
mkdir "$work/bin" && ln -s "$binary" "$work/bin/perkline"
sed -n '/^## A drill/,$p' "$runbook" | sed -n '/^```console$/,/^```$/p' |
    sed "s/19092/$kafka/g; s/16379/$redis/g; s/18025/$provider/g; s|\$PWD/build/release|$work/bin|" >"$work/drill"
command="" expected=""
while IFS= read -r line <&3; do
    case $line in
    '```'*) ;;
    '$ '*)
        [ -z "$command" ] || follow "$command" "$expected"
        command=${line#\$ } expected=""
        [ "$failed" -eq 0 ] || break
        ;;
    *) expected+=$line$'\n' ;;
    esac
done 3<"$work/drill"
[ "$failed" -gt 0 ] || [ -z "$command" ] || follow "$command" "$expected"
[ "$failed" -eq 0 ] || [ ! -f "${drill:-/nowhere}/log" ] || grep -v '"v":1' "$drill/log" | tail -n 30
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
