#!/bin/bash
# Compares the documents with what there is: tests/support/docs_check.sh PERKLINE. Prints one line for each fault:
# files, make targets, commands, options and settings that a document names and nobody has, commands that none names,
# headers that do not say why their module exists, and deploy/SETTINGS.md where it is out of date.
set -u
cd "$(dirname "$0")/../.." || exit 1
perkline=${1:?"which binary?"}
documents=(README.md ARCHITECTURE.md HACKING.md SECURITY.md RELIABILITY.md CHANGES.md deploy/RUNBOOK.md templates/README.md)
files=$(git ls-files --cached --others --exclude-standard)
commands=$("$perkline" --help | sed -n 's/^  \([a-z][a-z]*\)  .*/\1/p')
declare -A help
for command in $commands; do help[$command]=$("$perkline" "$command" --help 2>&1); done

# Of a document: what stands in `...`, and the lines of its blocks.
code_of() { # document
    awk '/^ *```/ { is_block = !is_block; next } is_block { print }' "$1"
    awk '/^ *```/ { is_block = !is_block; next } /^    / { print; next } !is_block { print }' "$1" | grep -oE '`[^`]+`' | tr -d '`'
}

# Names with the endings of sources and documents. <x> stands for anything; headers of libraries have no folder of ours.
check_files() { # document
    code_of "$1" | grep -oE '[A-Za-z0-9_./*<>-]+\.(c|h|lua|sh|md|mutant|acl)\b' | sort -u | while IFS= read -r name; do
        pattern=$(printf '%s' "$name" | sed -e 's/[.]/\\./g' -e 's/<[^>]*>/*/g' -e 's/\*/[^\/]*/g')
        printf '%s\n' "$files" | grep -qE "(^|/)$pattern\$" ||
            [[ " rdkafka.h curl.h " == *" $name "* ]] || echo "$1: there is no file $name"
    done
}

check_targets() { # document
    code_of "$1" | grep -oE '^make( [A-Z_]+=[^ ]+)* [a-z][a-z-]+' | sed 's/.* //' | sort -u | while IFS= read -r target; do
        grep -qE "^(\.PHONY:.* )?([a-z-]+ )*$target( [a-z-]+)*:|^\.PHONY:.* $target( |\$)" Makefile || echo "$1: make has no target $target"
    done
}

check_commands() { # document
    code_of "$1" | grep -oE '(^|[ /])perkline [a-z][a-z]*[^|`#]*' | sed 's/^[ /]*perkline //' | sort -u | while IFS= read -r line; do
        command=${line%% *}
        command=${command%:}
        [ -n "${help[$command]:-}" ] || { echo "$1: there is no command \"$command\"" && continue; }
        printf '%s\n' "$line" | grep -oE ' --[a-z][a-z-]*' | while IFS= read -r option; do
            printf '%s\n' "${help[$command]}" | grep -qE -- "${option# }\\b" || echo "$1: perkline $command has no option${option}"
        done
    done
}

check_settings() { # document
    code_of "$1" | grep -oE '\b[A-Z][A-Z0-9]*(_[A-Z0-9]+)+\b' | sort -u | while IFS= read -r name; do
        git grep -qw -e "$name" -e "${name%_FILE}" -- common workers tests Makefile .ci deploy ':!*.md' ':!tests/support/docs_check.sh' ||
            echo "$1: nothing knows the setting $name"
    done
}

for document in "${documents[@]}"; do
    check_files "$document"
    check_targets "$document"
    check_commands "$document"
    check_settings "$document"
done
for command in $commands; do
    grep -qE "perkline $command\\b" README.md templates/README.md || echo "README.md: does not name perkline $command"
done
printf '%s\n' "$files" | grep -E '^(common|workers)/.*\.h$' | while IFS= read -r header; do
    [ ! -f "$header" ] || head -n 2 "$header" | grep -q "^ \* $(basename "$header" .h): " ||
        echo "$header: does not begin with why $(basename "$header" .h) exists"
done
sh tests/support/settings_page.sh "$perkline" | cmp -s - deploy/SETTINGS.md || echo "deploy/SETTINGS.md: out of date (make settings-page writes it)"
