#!/bin/sh
# Says which Debian packages are missing (given as arguments) and installs them: after a question on
# a terminal, without one where root works without a terminal (a container, CI).
[ $# -gt 0 ] || exit 0
line="apt-get install --no-install-recommends $*"
if ! command -v apt-get >/dev/null 2>&1; then
    echo "Qt needs libraries that Debian calls: $*. Install your system's packages of them." >&2
    exit 0
fi
if [ "$(id -u)" = 0 ] && [ ! -t 0 ]; then
    echo "Installing system packages: $*"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
    exit $?
fi
sudo=""
[ "$(id -u)" = 0 ] || sudo="sudo "
echo "Some system packages are missing. This installs them:"
echo "    $sudo$line"
if [ -t 0 ]; then
    printf "Run it now? [y/N] "
    read -r answer
    case "$answer" in
        y | Y | yes) $sudo apt-get update -qq && $sudo $line ;;
        *) echo "Going on without them." ;;
    esac
fi
