#!/bin/sh
# Prints deploy/SETTINGS.md, from what the commands say of themselves: tests/support/settings_page.sh PERKLINE
set -u
perkline=${1:?"which binary?"}

# Rows "name|kind|meaning" of a command's help, where lines are broken.
rows() { # command
    "$perkline" "$1" --help | awk '
        function give() { if (name != "") { gsub(/\|/, "\\|", text); print name "|" kind "|" text } name = "" }
        /^settings/ { is_table = 1; next }
        !is_table { next }
        /^  [A-Z]/ { give(); name = $1; kind = $2; sub(/^  [A-Z0-9_]+ +[a-z/]+ +/, ""); text = $0; next }
        /^                    / { sub(/^ +/, ""); text = text " " $0; next }
        { give(); is_table = 0 }
        END { give() }'
}

table() { # rows on stdin
    printf '| setting | kind | meaning; [what holds when it is not set] |\n|---|---|---|\n'
    while IFS='|' read -r name kind text; do
        printf '| `%s` | %s | %s |\n' "$name" "$kind" "$text"
    done
}

cat <<'PAGE'
# Settings

All that the environment may say, as `perkline COMMAND --help` tells it; `make settings-page` writes this page. Each may also
come from a file that `NAME_FILE` names: a secret should. A wrong one stops the start with one line.

PAGE
rows worker | table
worker=$(rows worker | cut -d '|' -f 1)
others=$("$perkline" --help | sed -n 's/^  \([a-z][a-z]*\)  .*/\1/p' | while read -r command; do
    rows "$command"
done | sort -t '|' -k 1,1 -u | while IFS='|' read -r name kind text; do
    printf '%s\n' "$worker" | grep -qx "$name" || printf '%s|%s|%s\n' "$name" "$kind" "$text"
done)
if [ -n "$others" ]; then
    printf '\nOf commands beside the worker:\n\n'
    printf '%s\n' "$others" | table
fi
