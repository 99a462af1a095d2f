#!/bin/sh
# Prints the path of a Python 3.12 or newer: first those on the path, then those that pyenv has.
# Prints nothing if there is none.
usable() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1
}
for name in python3.14 python3.13 python3.12 python3; do
    path=$(command -v "$name" 2>/dev/null) || continue
    if usable "$path"; then
        echo "$path"
        exit 0
    fi
done
command -v pyenv >/dev/null 2>&1 || exit 0
for wanted in 3.14 3.13 3.12; do
    for version in $(pyenv versions --bare 2>/dev/null | grep "^$wanted\." | sort -Vr); do
        path="$(pyenv prefix "$version")/bin/python3"
        if usable "$path"; then
            echo "$path"
            exit 0
        fi
    done
done
