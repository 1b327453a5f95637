#!/bin/bash
# Proves the container image where there is no container engine: makes a Debian 13 root with debootstrap, does there what
# deploy/Dockerfile says, line by line, and tries what comes out as the image would run it (no shell, not root, nothing
# writable). Then the same root compiles and runs the tests, since librdkafka 2.8, hiredis 1.2 and Redis 8 are there.
#
#   tests/support/image_proof.sh [image|tests|all]     root; status 77: no debootstrap, no packages, no mounts to be had
#
#   IMAGE_ROOT=DIR       keep the roots there, and use them again (build/image)
#   DEBIAN_MIRROR=URL    packages from there instead of debootstrap's own choice
#   UPDATE_CONTENT=1     write deploy/image-content.txt anew
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$PWD
what=${1:-all}
roots=${IMAGE_ROOT:-$top/build/image}
base=$roots/base stage=$roots/stage image=$roots/image

skip() { echo "skipped: $1" && exit 77; }
fail() { echo "image proof: $1" >&2 && exit 1; }

[ "$(id -u)" = 0 ] || skip "needs root, for debootstrap and chroot"
command -v debootstrap >/dev/null || skip "no debootstrap (apt-get install debootstrap)"
mkdir -p "$roots"

# Mounts are made where nobody else sees them and vanish with this process; and no folder is removed that holds one.
if [ -z "${IMAGE_PROOF_ALONE:-}" ]; then
    unshare --mount --propagation private true 2>/dev/null || skip "cannot have mounts of its own"
    IMAGE_PROOF_ALONE=1 exec unshare --mount --propagation private "$top/tests/support/image_proof.sh" "$@"
fi
remove() {
    ! grep -q " $1/" /proc/self/mounts || fail "something is mounted below $1"
    rm -rf --one-file-system "$1"
}

# The few devices that programs need, none of this machine's own.
mount_into() { # root
    mkdir -p "$1/proc" "$1/dev" && mount -t proc proc "$1/proc" && mount -t tmpfs -o mode=755 tmpfs "$1/dev" &&
        mknod -m 666 "$1/dev/null" c 1 3 && mknod -m 666 "$1/dev/zero" c 1 5 && mknod -m 666 "$1/dev/full" c 1 7 &&
        mknod -m 666 "$1/dev/random" c 1 8 && mknod -m 666 "$1/dev/urandom" c 1 9 && mknod -m 666 "$1/dev/tty" c 5 0 &&
        ln -s /proc/self/fd "$1/dev/fd" && ln -s /proc/self/fd/0 "$1/dev/stdin" && ln -s /proc/self/fd/1 "$1/dev/stdout" &&
        ln -s /proc/self/fd/2 "$1/dev/stderr" && mkdir -m 1777 "$1/dev/shm"
}

# --- a Debian 13 of our own --------------------------------------------------------------------------------------------

make_base() {
    [ -e "$base/.complete" ] && return
    remove "$base"
    debootstrap --variant=minbase trixie "$base" ${DEBIAN_MIRROR:+"$DEBIAN_MIRROR"} >"$roots/debootstrap.log" 2>&1 ||
        skip "debootstrap: $(tail -n 1 "$roots/debootstrap.log")"
    cp /etc/resolv.conf "$base/etc/resolv.conf"
    printf '127.0.0.1 localhost\n::1 localhost\n' >"$base/etc/hosts"
    # What this machine needs to reach its packages (a proxy, say).
    cp -R /etc/apt/apt.conf.d/. "$base/etc/apt/apt.conf.d/" 2>/dev/null
    rm -f "$base"/etc/apt/apt.conf.d/*docker*
    touch "$base/.complete"
}

# --- the Dockerfile -----------------------------------------------------------------------------------------------------

# Lines that are continued become one; comments go.
dockerfile_steps() {
    grep -v '^#' deploy/Dockerfile | sed -e ':again' -e '/\\$/{N;s/\\\n */ /;b again' -e '}' | grep -v '^ *$'
}

in_stage() { # directory, command
    chroot "$stage" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
        /bin/sh -c "cd '$1' && $2"
}

# The first stage; of the second one only what it copies: $stage/image becomes $image.
follow_dockerfile() {
    local directory=/ in_build=0 word rest from to
    remove "$stage"
    remove "$image"
    cp -a "$base" "$stage"
    mount_into "$stage" || skip "cannot mount"
    while read -r word rest; do
        case $word in
        FROM) [[ $rest == *" AS build" ]] && in_build=1 || in_build=0 ;;
        WORKDIR) directory=$rest && mkdir -p "$stage$directory" ;;
        COPY)
            read -r from to <<<"${rest#--from=build }"
            if [ "$in_build" = 1 ]; then
                mkdir -p "$stage$directory/$(dirname "$to")"
                cp -R "$from" "$stage$directory/$to" || fail "COPY $rest"
            else
                mkdir -p "$image" && cp -a "$stage$from/." "$image$to" || fail "COPY $rest"
            fi
            ;;
        RUN)
            [ "$in_build" = 1 ] || fail "RUN in the last stage: it has no shell"
            in_stage "$directory" "$rest" >"$roots/step.log" 2>&1 || { tail -n 40 "$roots/step.log"; fail "RUN $rest"; }
            ;;
        ENV | LABEL | USER | EXPOSE | STOPSIGNAL | HEALTHCHECK | ENTRYPOINT | CMD | ARG) ;;
        *) fail "deploy/Dockerfile: $word is not known here" ;;
        esac
    done < <(dockerfile_steps)
}

# --- the image ----------------------------------------------------------------------------------------------------------

# As a container runs it: other account, nothing writable, no process file system.
run_image() { # arguments of perkline
    unshare --mount sh -c 'root=$1; shift; mount --bind "$root" "$root" && mount -o remount,ro,bind "$root" &&
        exec env -i TEMPLATES_DIR=/usr/share/perkline/templates "$(command -v chroot)" --userspec=10001:10001 "$root" /usr/bin/perkline "$@"' sh "$image" "$@"
}

# Without numbers behind .so and without the templates, which are ours anyway.
list_content() {
    (cd "$image" && find . ! -type d -printf '%p\n' | sed -e 's/^\.//' -e 's/\(\.so\.[0-9]*\)[0-9.]*$/\1/' |
        grep -v '^/usr/share/perkline/templates/' | LC_ALL=C sort)
}

check_image() {
    local out
    if [ -n "${UPDATE_CONTENT:-}" ]; then
        { echo "# Every file of the container image, made by tests/support/image_proof.sh; the templates follow." && list_content &&
            echo "/usr/share/perkline/templates/"; } >deploy/image-content.txt
    fi
    diff -u <(grep -v -e '^#' -e '/templates/$' deploy/image-content.txt) <(list_content) ||
        fail "the content is not what deploy/image-content.txt says (UPDATE_CONTENT=1 writes it anew)"
    find "$image" -perm /6000 | grep . && fail "files with set-uid or set-gid"
    [ "$(find "$image" -name sh -o -name bash -o -name busybox | wc -l)" = 0 ] || fail "there is a shell"
    out=$(run_image --version) || fail "perkline --version: $out"
    echo "$out"
    out=$(run_image lint /usr/share/perkline/templates 2>&1) || fail "perkline lint: $out"
    echo "$out"
    out=$(run_image render signup --locale fa 2>&1) || fail "perkline render: $out"
    grep -q 'dir="rtl"' <<<"$out" || fail "perkline render: no ICU data? $out"
    run_image worker --probe >"$roots/probe.log" 2>&1 && fail "worker --probe found a worker"
    grep -q 'no answer (connect)' "$roots/probe.log" || fail "worker --probe: $(cat "$roots/probe.log")"
    du -sh "$image" | sed 's/\t.*/ in all/'
    echo "image: $(list_content | wc -l) files, no shell, runs as 10001 with nothing writable"
}

# --- the code on Debian 13 ----------------------------------------------------------------------------------------------

run_tests() {
    in_stage / "apt-get install -y -qq --no-install-recommends libcmocka-dev redis-server openssl" >"$roots/step.log" 2>&1 ||
        { tail -n 20 "$roots/step.log"; fail "packages for the tests"; }
    cp -R tests "$stage/src/" && cp -R deploy "$stage/src/"
    mkdir -p "$stage/tmp" && chmod 1777 "$stage/tmp"
    in_stage /src "make test" || fail "make test on Debian 13"
    in_stage /src "make demo" >"$roots/demo.log" 2>&1 || { tail -n 40 "$roots/demo.log"; fail "make demo on Debian 13"; }
    tail -n 3 "$roots/demo.log"
}

make_base
follow_dockerfile
check_image
[ "$what" = image ] || run_tests
