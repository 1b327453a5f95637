#!/bin/sh
# Builds one harness with clang's libFuzzer and runs it: tests/fuzz/libfuzzer.sh NAME [libFuzzer arguments].
# Starts from tests/fuzz/corpus/NAME; new inputs and findings go to build/libfuzzer/. Needs clang with its runtimes
# (`make deps-lint`).
set -eu
cd "$(dirname "$0")/../.."
name=${1:?which harness: event, flow, liquid}
shift
out=build/libfuzzer
packages="jansson yaml-0.1 icu-i18n icu-uc openssl"
mkdir -p "$out/corpus_$name"

binary=$out/fuzz_$name
if [ -z "${FUZZ_NO_BUILD:-}" ]; then
    echo "building $binary"
    # shellcheck disable=SC2046,SC2086
    clang -std=c11 -D_GNU_SOURCE -O2 -g -fno-omit-frame-pointer -fsanitize=fuzzer,address,undefined \
        -fno-sanitize-recover=all -Icommon -I. $(pkg-config --cflags $packages) \
        common/base/*.c common/core/*.c common/core/liquid/*.c "tests/fuzz/fuzz_$name.c" -o "$binary" \
        $(pkg-config --libs $packages) -lm -lpthread
fi
exec "$binary" -artifact_prefix="$out/${name}_" -max_len=600 -timeout=5 "$@" "$out/corpus_$name" "tests/fuzz/corpus/$name"
