#!/bin/sh
# Builds one harness with clang's libFuzzer and runs it: tests/fuzz/libfuzzer.sh NAME [libFuzzer arguments].
# Starts from tests/fuzz/corpus/NAME, with the words of tests/fuzz/NAME.dict; new inputs and findings go to
# build/libfuzzer/. Needs clang with its runtimes (`make deps-lint`).
#
# Set for the most runs a second: comparisons are not traced where a dictionary stands in for that, allocations keep no
# stack and little quarantine. For a finding, run the program on the file without these options.
set -eu
cd "$(dirname "$0")/../.."
names=$(ls tests/fuzz/fuzz_*.c | sed 's/.*fuzz_\(.*\)\.c/\1/' | tr '\n' ' ')
name=${1:?which harness: $names}
shift
out=build/libfuzzer
dict=tests/fuzz/$name.dict
mkdir -p "$out/corpus_$name"

build=build/fuzz flags=
if [ -f "$dict" ]; then
    build=$out flags=-fno-sanitize-coverage=trace-cmp
    set -- "-dict=$dict" "$@"
fi
binary=$build/tests/fuzz/fuzz_$name
if [ -z "${FUZZ_NO_BUILD:-}" ]; then
    make --no-print-directory -j"$(nproc)" VARIANT=fuzz BUILD="$build" CFLAGS="$flags" "$binary"
fi
export ASAN_OPTIONS="${ASAN_OPTIONS:-malloc_context_size=0:quarantine_size_mb=4:detect_stack_use_after_return=0}"
# shellcheck disable=SC2012 # names are plain
largest=$(ls -S "tests/fuzz/corpus/$name" | head -n 1)
len=$(($(wc -c <"tests/fuzz/corpus/$name/$largest") * 5 / 4))
exec "$binary" -artifact_prefix="$out/${name}_" -max_len="$((len > 600 ? len : 600))" -timeout=5 "$@" "$out/corpus_$name" "tests/fuzz/corpus/$name"
