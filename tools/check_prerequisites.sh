#!/bin/sh
# Prints the Python to build nncore with, or says in one sentence for each missing thing what to install, and fails.
# PYTHON=... names an interpreter and CC=... a compiler to use instead of the first one found.
set -u

missing=0
need() {
    printf 'nncore needs %s\n' "$1" >&2
    missing=1
}

# True if the command $1 runs (a version manager's shim may be there and not run) and is a Python new enough.
is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

if [ -n "${PYTHON:-}" ]; then
    set -- "$PYTHON"
else
    set -- python3 python3.14 python3.13 python3.12 python3.11
fi
python=
for candidate in "$@"; do
    if is_new_enough "$candidate"; then
        python=$candidate
        break
    fi
done

# What Debian and Ubuntu call the packages: python3-venv, python3.12-venv.
package=${python:-$1}
package=${package##*/}
compiler=${CC:-cc}
if [ -n "$python" ]; then
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        need "the venv module of $python: sudo apt install $package-venv"
    "$python" -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' ||
        need "the header Python.h of $python: sudo apt install $package-dev"
    # The compiler that this Python was built with is the one that setuptools calls.
    compiler=${CC:-$("$python" -c 'import sysconfig; print(sysconfig.get_config_var("CC") or "cc")')}
elif found=$("$1" -c 'import platform; print(platform.python_version())' 2>/dev/null); then
    need "Python 3.11 or newer, and $1 is $found: sudo apt install python3.11 python3.11-venv python3.11-dev, or see python.org/downloads"
else
    need "Python 3.11 or newer, and there is no $1 that runs: sudo apt install $package $package-venv $package-dev"
fi

compiler=${compiler%% *} # without its options
if ! command -v "$compiler" >/dev/null; then
    need "a C compiler, and there is no $compiler: sudo apt install build-essential"
elif ! printf '#include <stdlib.h>\n#include <math.h>\n' | "$compiler" -x c -fsyntax-only - 2>/dev/null; then
    need "the headers of the C library: sudo apt install libc6-dev"
fi

[ "$missing" = 0 ] || exit 1
command -v "$python"
