#!/bin/sh
# Builds one harness with clang's libFuzzer and runs it: tests/fuzz/libfuzzer.sh NAME [libFuzzer arguments].
# Starts from tests/fuzz/corpus/NAME, with the words of tests/fuzz/NAME.dict; new inputs and findings go to
# build/libfuzzer/. Needs clang with its runtimes (`make deps-lint`).
#
# Set for the most runs a second: comparisons are not traced (the words stand in for that), allocations keep no stack
# and little quarantine. For a finding, run build/libfuzzer/fuzz_NAME FILE without these options.
set -eu
cd "$(dirname "$0")/../.."
name=${1:?which harness: event, flow, lint, liquid}
shift
out=build/libfuzzer
packages="jansson yaml-0.1 icu-i18n icu-uc openssl"
mkdir -p "$out/corpus_$name"

binary=$out/fuzz_$name
if [ -z "${FUZZ_NO_BUILD:-}" ]; then
    echo "building $binary"
    # shellcheck disable=SC2046,SC2086
    clang -std=c11 -D_GNU_SOURCE -O2 -g -fno-omit-frame-pointer -fsanitize=fuzzer,address,undefined \
        -fno-sanitize-coverage=trace-cmp -fno-sanitize-recover=all -Icommon -I. $(pkg-config --cflags $packages) \
        common/base/*.c common/core/*.c common/core/liquid/*.c "tests/fuzz/fuzz_$name.c" -o "$binary" \
        $(pkg-config --libs $packages) -lm -lpthread
fi
dict=tests/fuzz/$name.dict
[ ! -f "$dict" ] || set -- "-dict=$dict" "$@"
export ASAN_OPTIONS="${ASAN_OPTIONS:-malloc_context_size=0:quarantine_size_mb=4:detect_stack_use_after_return=0}"
exec "$binary" -artifact_prefix="$out/${name}_" -max_len=600 -timeout=5 "$@" "$out/corpus_$name" "tests/fuzz/corpus/$name"
