#!/bin/sh
# How much of each parser its fuzzer's corpus reaches: tests/fuzz/coverage.sh [NAME...]. Replays the corpora as they stand
# in the repository, without mutations, counted by gcov; a row for each file of tests/fuzz/parsers. Status 1 when a file
# is below 90 %.
#
#   MISSED=1     shows the lines that were not reached
#   FUZZ_RUNS=N  N mutations of each corpus, too (0)
set -eu
cd "$(dirname "$0")/../.."
least=90
build=build/coverage
programs=${*:-$(sed 's/ .*//; /^#/d' tests/fuzz/parsers | sort -u)}

# shellcheck disable=SC2046,SC2086,SC2059 # a list of programs
make -s --no-print-directory -j"${JOBS:-$(nproc)}" VARIANT=coverage $(printf "$build/tests/fuzz/fuzz_%s " $programs) >/dev/null

# The counters of one harness alone.
replay() { # name
    find "$build" -name '*.gcda' -delete
    FUZZ_RUNS="${FUZZ_RUNS:-0}" "$build/tests/fuzz/fuzz_$1" >/dev/null
}

# The file as gcov annotates it ("count:line:source"), without the functions that are left out.
annotate() { # file, -function...
    file=$1
    shift
    gcov -t -o "$build/${file%.c}.o" "$file" 2>/dev/null | awk -v file="$file" -v left_out="$*" '
        BEGIN { n = split(left_out, names, " *-"); }
        /^ *-: *0:Source:/ { is_ours = $0 ~ "Source:" file "$" }
        !is_ours { next }
        {
            source = substr($0, 17)
            if (source ~ /^[a-z].*[^;]$/) {
                for (i = 2; i <= n; i++) if (source ~ "[ *]" names[i] "[(]") skips = 1
            }
            if (!skips) print
            if (source == "}") skips = 0
        }'
}

report() { # name, file, -function...
    annotated=$(shift; annotate "$@")
    lines=$(printf "%s\n" "$annotated" | grep -aEc '^ *([0-9]+\*?|#####|=====):' || true)
    missed=$(printf "%s\n" "$annotated" | grep -aEc '^ *(#####|=====):' || true)
    [ "$lines" -gt 0 ] || { echo "$2: no line is counted" >&2 && exit 1; }
    tenths=$(((lines - missed) * 1000 / lines))
    mark=
    if [ "$tenths" -lt $((least * 10)) ]; then status=1 mark=' <'; fi
    printf '%-9s %-40s %6d %8d.%d %%%s\n' "$1" "$2" "$lines" $((tenths / 10)) $((tenths % 10)) "$mark"
    [ -z "${MISSED:-}" ] || printf "%s\n" "$annotated" | grep -aE '^ *(#####|=====):' | cut -c7-120 || true
}

status=0
printf '%-9s %-40s %6s %12s\n' harness file lines reached
for name in $programs; do
    replay "$name"
    while read -r harness file left_out; do
        # shellcheck disable=SC2086 # a list of functions
        [ "$harness" != "$name" ] || report "$name" "$file" $left_out
    done <tests/fuzz/parsers
done
exit "$status"
