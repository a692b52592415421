#!/bin/sh
# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
#
# tools/setup.sh GROUP   brings what `make GROUP` needs and touches build/.setup-GROUP when it is there.
#   demo    the package in .venv, one cross compiler and emulator, the data of the demo
#   test    all boards, sanitizers, coverage, CMake, and Keras and LiteRT as judges
#   packages  what packs, builds and runs the library for other ecosystems
#   format  clang-format, ruff
#
# As root, missing Debian packages are installed; otherwise the command that does it is printed and the script fails.
set -eu

group=${1:?"usage: tools/setup.sh demo|test|packages|format"}
cd "$(dirname "$0")/.."

# Each line: Debian package, then a command that it brings, or - if only dpkg can tell.
demo_packages='
ca-certificates -
gcc gcc
libc6-dev -
python3 python3
python3-venv -
gcc-arm-none-eabi arm-none-eabi-gcc
libnewlib-arm-none-eabi -
qemu-system-arm qemu-system-arm
'
test_packages="$demo_packages
g++ g++
clang clang
libclang-rt-14-dev -
lib32gcc-12-dev -
libc6-dev-i386 -
gcc-s390x-linux-gnu s390x-linux-gnu-gcc
libc6-dev-s390x-cross -
gcc-aarch64-linux-gnu aarch64-linux-gnu-gcc
libc6-dev-arm64-cross -
qemu-user qemu-s390x
gcovr gcovr
cmake cmake
clang-format clang-format
pkg-config pkg-config
gcc-riscv64-unknown-elf riscv64-unknown-elf-gcc
picolibc-riscv64-unknown-elf -
qemu-system-misc qemu-system-riscv32
"
packages_packages="$test_packages
arduino-builder arduino-builder
arduino-core-avr -
arduino-ctags arduino-ctags
gcc-avr avr-gcc
avr-libc -
simavr simavr
lld wasm-ld
wasi-libc -
libclang-rt-14-dev-wasm32 -
nodejs node
libxml2-utils xmllint
gcc-mingw-w64-x86-64 x86_64-w64-mingw32-gcc
debhelper dh
dpkg-dev dpkg-buildpackage
lintian lintian
"
format_packages='
python3 python3
python3-venv -
clang-format clang-format
'

# Data sets that packages of the registry carry. They are read, not imported: their dependencies are not needed.
demo_data='aeon==1.6.0'
test_data='aeon==1.6.0 scikit-learn==1.9.1'

case $group in
demo) packages=$demo_packages extras= data=$demo_data ;;
test) packages=$test_packages extras='[test]' data=$test_data ;;
packages) packages=$packages_packages extras='[test]' data=$test_data ;;
format) packages=$format_packages extras= data= ;;
*)
    echo "tools/setup.sh: unknown group '$group'; expected demo, test, packages or format" >&2
    exit 2
    ;;
esac

is_there() { # package command
    if [ "$2" != - ] && command -v "$2" >/dev/null 2>&1; then
        return 0
    fi
    if command -v dpkg-query >/dev/null 2>&1; then
        dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'ok installed'
    else
        [ "$2" = - ] # another system: its package may have another name; the compiler will tell
    fi
}

missing_packages() {
    echo "$packages" | while read -r package command; do
        [ -z "$package" ] || is_there "$package" "$command" || printf '%s ' "$package"
    done
}

install_packages() {
    missing=$(missing_packages)
    [ -n "$missing" ] || return 0
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "make $group needs (Debian's names): $missing" >&2
        echo "Install them with your system's package manager, then run make again." >&2
        exit 1
    fi
    if [ "$(id -u)" -ne 0 ]; then
        echo "make $group needs Debian packages that are not installed. Run, then make again:" >&2
        echo "  sudo apt-get update && sudo apt-get install --no-install-recommends $missing" >&2
        exit 1
    fi
    echo "Installing Debian packages: $missing"
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086 # a list of words
    if ! { apt-get update -q && apt-get install -y -q --no-install-recommends $missing; } </dev/null >build/apt.log 2>&1
    then
        tail -n 20 build/apt.log >&2
        echo "apt-get failed; all of its text is in build/apt.log" >&2
        exit 1
    fi
}

# The system's own Python first: another one in PATH may lack the ssl or venv module, or vanish.
find_python() {
    for candidate in /usr/bin/python3 python3; do
        if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return 0
        fi
    done
    echo "Python 3.11 or newer with the venv module is needed; none of /usr/bin/python3 and python3 is" >&2
    return 1
}

make_venv() {
    python=$(find_python)
    if ! .venv/bin/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        rm -rf .venv
        "$python" -m venv .venv
    fi
}

pip_install() {
    echo "Installing Python packages: $*"
    .venv/bin/python -m pip --disable-pip-version-check --no-input install -q --no-warn-conflicts "$@" </dev/null
}

mkdir -p build
install_packages
make_venv
if [ "$group" = format ]; then
    pip_install 'ruff>=0.6'
else
    touch build/.core.new
    pip_install -e ".$extras" # builds the C core, too
    mv build/.core.new build/.core
    # shellcheck disable=SC2086 # a list of words
    pip_install --no-deps $data
fi
if [ "$group" = packages ]; then # apart: they ask for versions of their own
    [ -x build/packages/tools/bin/pip ] || "$python" -m venv build/packages/tools
    echo "Installing tools of other ecosystems"
    build/packages/tools/bin/pip --disable-pip-version-check --no-input install -q 'platformio>=6.1' 'scons>=4.5' 'conan>=2.5' \
        'idf-component-manager>=2' 'kconfiglib>=14.1' 'vermin>=1.6' </dev/null
fi
touch "build/.setup-$group"
