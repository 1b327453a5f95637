#!/bin/sh
# Gathers what the container image holds: the stripped binary, the libraries that it loads (also those that the C library
# and SASL load by name), certificate authorities, the templates, and an account that is not root.
#
#   deploy/collect_image.sh BINARY TEMPLATES TO
set -eu
binary=$1 templates=$2 to=$3

add() { # file, kept under its own path; a link becomes the file that it stands for
    mkdir -p "$to$(dirname "$1")"
    cp -L "$1" "$to$1"
}

mkdir -p "$to/usr/bin" "$to/usr/share/perkline" "$to/etc/ssl/certs" "$to/tmp"
chmod 1777 "$to/tmp"
strip -o "$to/usr/bin/perkline" "$binary"

ldd "$binary" | sed -n 's/.*=> \(\/[^ ]*\).*/\1/p; s/^[[:space:]]*\(\/[^ ]*\) (.*/\1/p' | sort -u |
    while IFS= read -r library; do add "$library"; done

cp -L /etc/ssl/certs/ca-certificates.crt "$to/etc/ssl/certs/ca-certificates.crt"
cp -R "$templates" "$to/usr/share/perkline/templates"
printf 'root:x:0:0::/:/nonexistent\nperkline:x:10001:10001::/nonexistent:/nonexistent\n' >"$to/etc/passwd"
printf 'root:x:0:\nperkline:x:10001:\n' >"$to/etc/group"
printf 'hosts: files dns\n' >"$to/etc/nsswitch.conf"
