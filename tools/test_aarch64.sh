#!/bin/sh
# Builds nncore for 64-bit ARM with a cross compiler and runs the tests of its compiled code under emulation. Needs Debian, its
# packages gcc-aarch64-linux-gnu, qemu-user-static and mmdebstrap, pip, and the network the first time; no privileges.
#
# usage: tools/test_aarch64.sh [pytest's arguments]
#
# Everything is kept in $AARCH64 (default ~/.cache/nncore-aarch64): root/, an unpacked Debian for arm64 of which nothing is installed;
# venv/, whose python is that Debian's under QEMU; tree/, a copy of this tree. Removing the folder starts afresh.
set -eu
cd "$(dirname "$0")/.."

work=${AARCH64:-${XDG_CACHE_HOME:-$HOME/.cache}/nncore-aarch64}
suite=bookworm
version=3.11
root=$work/root venv=$work/venv tree=$work/tree
python=$venv/bin/python

for command in aarch64-linux-gnu-gcc qemu-aarch64-static mmdebstrap; do
    command -v "$command" >/dev/null || {
        echo "test_aarch64.sh needs $command: sudo apt install gcc-aarch64-linux-gnu qemu-user-static mmdebstrap" >&2
        exit 1
    }
done
mkdir -p "$work"

if [ ! -e "$root/complete" ]; then
    rm -rf "$root"
    mmdebstrap --quiet --mode=chrootless --variant=extract --arch=arm64 \
        --include="python$version,libpython$version-dev,libstdc++6" "$suite" "$root"
    touch "$root/complete"
fi

if [ ! -e "$venv/complete" ]; then
    rm -rf "$venv"
    mkdir -p "$venv/bin"
    # A script as interpreter, because what it starts as sys.executable has to go through the emulator again.
    printf '#!/bin/sh\nexec qemu-aarch64-static -L "%s" -0 "$0" "%s" "$@"\n' "$root" "$root/usr/bin/python$version" >"$python"
    chmod +x "$python"
    printf 'home = %s\n' "$root/usr/bin" >"$venv/pyvenv.cfg"
    "${PYTHON:-python3}" -m pip install --quiet --disable-pip-version-check --target "$venv/lib/python$version/site-packages" \
        --python-version "$version" --platform manylinux_2_28_aarch64 --platform manylinux_2_27_aarch64 --platform manylinux_2_17_aarch64 \
        --only-binary=:all: 'setuptools>=77' 'Cython>=3.1' 'numpy>=2' 'pluggy>=1.5' 'pytest>=8' 'hypothesis>=6.100'
    touch "$venv/complete"
fi

# A copy, because objects of two machines must not mix. The emulated Python starts the cross compiler, which runs at full speed.
mkdir -p "$tree"
find "$tree" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
tar --exclude=./build --exclude=./.venv --exclude='./.[a-z]*' --exclude='*.so' --exclude='*.egg-info' --exclude=__pycache__ -cf - . |
    tar -xf - -C "$tree"
cd "$tree"
export CC=aarch64-linux-gnu-gcc LDSHARED="aarch64-linux-gnu-gcc -shared" CFLAGS="-O3 -idirafter $root/usr/include"
"$python" setup.py -q egg_info build_ext --inplace

[ $# -gt 0 ] || set -- tests/_core tests/activations tests/layers tests/losses tests/optimizers \
    tests/test_gradients.py tests/network tests/program
PYTHONPATH=$tree "$python" -m nncore info
PYTHONPATH=$tree HYPOTHESIS_STORAGE_DIRECTORY=$work/hypothesis "$python" -m pytest -q -p no:cacheprovider "$@"
