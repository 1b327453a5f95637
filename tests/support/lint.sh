#!/bin/bash
# make lint: what the compilers do not see. Layers and who may use which library, banned functions, headers that stand
# alone, length of files, documents that name what is not there, clang-tidy. Prints one line for each fault; last line "lint: clean" or "lint: N faults".
# The form of the text (.clang-format) is not checked: no form of clang-format 14 keeps the tables that are set by hand
# (AlignArrayOfStructures makes it crash), and without them 390 files would change.
set -u
cd "$(dirname "$0")/../.." || exit 1
faults=$(mktemp)
trap 'rm -f "$faults"' EXIT

tell() { echo "$1" | tee -a "$faults"; }
tell_all() { while IFS= read -r line; do [ -n "$line" ] && tell "$line"; done; }

c_files() { git ls-files --cached --others --exclude-standard "$@" | grep '\.[ch]$' | while IFS= read -r f; do [ -f "$f" ] && echo "$f"; done; }

# --- layers ---------------------------------------------------------------------------------------------------------

# may_include FOLDER REGEX: what its files include of ours must match.
may_include() {
    c_files "$1" | xargs -r grep -nE '^#include "' | grep -vE ":#include \"($2)/" | sed 's/$/ (wrong layer)/' | tell_all
}

check_layers() {
    may_include common/base 'base'
    may_include common/core 'base|core'
    may_include common/io 'base|io'
    may_include common/run 'base|core|io|run'
    may_include workers 'base|core|io|run|workers'
    # Headers of parts of one module stay with it.
    only_in '"base/metrics_inside\.h"' 'common/base/metrics'
    only_in '"core/locale_inside\.h"' 'common/core/locale'
    only_in '"core/catalog_inside\.h"' 'common/core/(catalog|lint)'
    only_in '"io/kafka_(consumer_inside|reader_inside|lookup|handle|config|wake|relay|range|admin_inside|stats|watchdog)\.h"' 'common/io/kafka_'
    only_in '"io/redis_(inside|link|reader|command|check|refusal|url)\.h"' 'common/io/redis'
    only_in '"io/http_(multi|answer|peer|problem)\.h"' 'common/io/http'
    only_in '"io/http_exchange\.h"' 'common/io/http_(server|exchange)'
    only_in '"run/claims_(inside|ring)\.h"' 'common/run/claim'
    only_in '"run/partitions_inside\.h"' 'common/run/partitions'
    only_in '"run/worker_inside\.h"' 'common/run/worker'
    only_in '"run/record_source_inside\.h"' 'common/run/record_source'
}

# --- libraries ------------------------------------------------------------------------------------------------------

# only_in HEADER-REGEX PATH-REGEX: included nowhere else in common/ and workers/.
only_in() {
    c_files common workers | xargs -r grep -nE "^#include $1" | grep -vE "^($2)" | sed 's/$/ (confined elsewhere)/' | tell_all
}

check_libraries() {
    only_in '<librdkafka/' 'common/io/kafka_'
    only_in '<hiredis/' 'common/io/redis'
    only_in '<curl/' 'common/io/http'
    only_in '<microhttpd' 'common/io/http_(server|exchange)'
    only_in '<uv\.h>' 'common/io/'
    only_in '<yaml\.h>' 'common/core/yaml[a-z_]*\.c'
    only_in '<unicode/' 'common/core/locale_(inside\.h|format\.c)|common/core/locale\.c'
    only_in '<openssl/(sha|evp|hmac)' 'common/base/digest\.c'
    only_in '<openssl/ssl' 'common/io/redis_link\.c'
    only_in '<uthash' 'common/base/hash_table\.h'
    # core is pure: neither clock nor chance, neither files nor sockets.
    c_files common/core | xargs -r grep -nE \
        '\b(clock_mono_ms|clock_wall_ms|clock_mono_us|gettimeofday|clock_gettime|getenv|fopen|getrandom|random_seed|socket) *\(|\btime\(NULL\)' |
        sed 's/$/ (core is pure)/' | tell_all
}

check_banned() {
    c_files common workers tests | xargs -r grep -nE \
        '(^|[^a-zA-Z0-9_.>])(strcpy|strcat|sprintf|vsprintf|strtok|strncpy|gets|system|popen|localtime|gmtime|atoi) *\(' |
        sed 's/$/ (banned)/' | tell_all
}

# --- files ----------------------------------------------------------------------------------------------------------

# Tests are lists of cases and may be longer.
check_length() {
    c_files common workers | xargs -r wc -l | awk '$2 != "total" && $1 > 500 {print $2 ": " $1 " lines, 500 are the most"}' | tell_all
    c_files tests | xargs -r wc -l | awk '$2 != "total" && $1 > 700 {print $2 ": " $1 " lines, 700 are the most"}' | tell_all
    c_files common workers tests | xargs -r grep -nE '[[:blank:]]+$|	' | sed 's/:\([0-9]*\):.*/:\1: blank at the end, or a tab/' | tell_all
}

flags="-std=c11 -D_GNU_SOURCE -DPERKLINE_VERSION=\"lint\" -Icommon -I. $(pkg-config --cflags rdkafka libcurl jansson hiredis libuv yaml-0.1 icu-i18n icu-uc libmicrohttpd openssl)"

check_header() { # header
    for compiler in gcc clang; do
        # shellcheck disable=SC2086 # a list of flags
        printf '#include "%s"\n' "${1#common/}" |
            $compiler $flags -Wall -Wextra -Werror -fsyntax-only -x c - >/dev/null 2>&1 ||
            echo "$1 does not stand alone ($compiler)"
    done
}

check_headers() {
    export -f check_header
    export flags
    # tests/support headers may need cmocka's, which needs others before it.
    c_files common workers tests/support | grep '\.h$' | xargs -r -P 2 -n 1 bash -c 'check_header "$0"' | sort | tell_all
}

# In parts that run side by side. Test programs are checked by the compilers alone.
check_tidy() {
    # shellcheck disable=SC2086,SC2016
    c_files common workers | grep '\.c$' | xargs -r -P 2 -n 8 sh -c 'clang-tidy --quiet "$@" -- '"${flags//\"/\\\"}"' 2>/dev/null' _ |
        grep -E '(error|warning):' | sed "s|^$PWD/||" | sort -u | tell_all
}

# --- the binary -----------------------------------------------------------------------------------------------------

# What the flags of the release build are for has to be seen in it (make lint builds it).
check_hardening() {
    binary=build/release/perkline
    [ -x "$binary" ] || { tell "$binary is not there (make builds it)" && return; }
    readelf -hW "$binary" | grep -q 'Type: *DYN' || tell "$binary: no position-independent executable"
    readelf -lW "$binary" | grep -q 'GNU_RELRO' || tell "$binary: no RELRO"
    readelf -dW "$binary" | grep -qE 'BIND_NOW|FLAGS.* NOW' || tell "$binary: symbols are bound late"
    readelf -lW "$binary" | grep 'GNU_STACK' | grep -q 'RW ' || tell "$binary: executable stack"
    readelf -lW "$binary" | awk '$1 == "LOAD"' | grep -q 'RWE' && tell "$binary: memory that can be written and executed"
    readelf -sW "$binary" | grep -q '__stack_chk_fail' || tell "$binary: no stack protector"
    readelf -sW "$binary" | grep -qE '__(memcpy|snprintf|vsnprintf|read)_chk' || tell "$binary: not fortified"
    readelf -dW "$binary" | grep -qE 'RPATH|RUNPATH' && tell "$binary: looks for libraries in a folder of its own"
}

check_documents() {
    tests/support/docs_check.sh build/release/perkline 2>&1 | tell_all
}

check_mutants() {
    tests/chaos/mutants/run.sh --check 2>&1 | tell_all
}

check_layers
check_libraries
check_banned
check_length
check_headers
check_tidy
check_hardening
check_documents
check_mutants
count=$(wc -l <"$faults")
if [ "$count" -eq 0 ]; then
    echo "lint: clean"
else
    echo "lint: $count faults"
    exit 1
fi
