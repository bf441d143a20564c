#!/bin/sh
# Brings a machine to where `make` can work, or says exactly what it lacks. Silent when nothing is missing.
#
#   packaging/setup.sh [build|lint|test|bench|deb|wheel]
#
# Missing Debian packages are installed as root, else through sudo. Without rights it prints the command and fails.
set -eu
purpose=${1:-build}
CARGO_DEB=3.8.0
MATURIN=1.16.0
top=$(cd "$(dirname "$0")/.." && pwd)

say() { printf '%s\n' "$*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }

# Rust first: it comes from rustup, not from apt (Debian's own is too old for this edition).
want=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$top/Cargo.toml")
if ! have cargo; then
    if [ -x "${CARGO_HOME:-${HOME:-/root}/.cargo}/bin/cargo" ]; then
        say "setup: cargo is installed but not on PATH. Run:"
        say "    . \"${CARGO_HOME:-$HOME/.cargo}/env\""
    else
        say "setup: the Rust toolchain (cargo $want or newer) is missing. Install it, then run make again:"
        say "    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"
    fi
    exit 1
fi
if ! version=$(cargo --version); then
    say "setup: cargo is there but does not work; its message stands above."
    exit 1
fi
number=$(printf '%s\n' "$version" | sed 's/^cargo \([0-9]*\.[0-9]*\).*/\1/')
if [ "$(printf '%s\n%s\n' "$want" "$number" | sort -V | head -n 1)" != "$want" ]; then
    say "setup: $version is too old, $want or newer is needed. Run:"
    say "    rustup update stable"
    exit 1
fi
if [ "$purpose" = lint ]; then
    for part in fmt clippy; do
        cargo "$part" --version >/dev/null 2>&1 && continue
        component=$part
        [ "$part" = fmt ] && component=rustfmt
        say "setup: adding the Rust component $component"
        rustup component add "$component"
    done
fi

# bindgen loads libclang.so at build time and needs clang's own headers (stddef.h), which the library alone lacks.
have_libclang() {
    for lib in "${LIBCLANG_PATH:-/nonexistent}"/libclang*.so* /usr/lib/llvm-*/lib/libclang*.so* \
        /usr/lib/*/libclang*.so* /usr/lib64/libclang*.so* /usr/lib/libclang*.so* /usr/local/lib/libclang*.so*; do
        case $lib in *libclang-cpp*) continue ;; esac
        if [ -e "$lib" ]; then
            for header in /usr/lib/llvm-*/lib*/clang/*/include/stddef.h /usr/lib/clang/*/include/stddef.h \
                /usr/lib64/clang/*/include/stddef.h /usr/local/lib/clang/*/include/stddef.h; do
                [ -e "$header" ] && return 0
            done
        fi
    done
    return 1
}
have_cxx() { have "${CXX:-c++}" || have g++ || have clang++; }
have_venv() { have python3 && python3 -c 'import ensurepip, venv' >/dev/null 2>&1; }
have_pip() { have python3 && python3 -c 'import pip' >/dev/null 2>&1; }

missing=
packages=
lacks() { missing="$missing $1"; packages="$packages $2"; }
have make || lacks make make
have cmake || lacks cmake cmake
have_cxx || lacks c++ g++
have_libclang || lacks libclang libclang-dev
have_pip || lacks python3-with-pip python3-pip
if [ "$purpose" = test ]; then
    # For tests of other users, of small file systems and of the units; without them these report that they cannot run.
    have setpriv && have mount || lacks util-linux "util-linux mount"
    have mkfs.ext4 || lacks mkfs.ext4 e2fsprogs
    have systemd-analyze || lacks systemd-analyze systemd
    # For tests of the page in a real browser.
    have chromium || have chromium-browser || lacks chromium chromium
    have chromedriver || lacks chromedriver chromium-driver
fi
if [ "$purpose" = test ] || [ "$purpose" = deb ]; then
    # Finds out on which libraries the package depends.
    have dpkg-shlibdeps || lacks dpkg-shlibdeps dpkg-dev
fi
if [ "$purpose" = test ]; then
    # The scripts of the package call it.
    have deb-systemd-helper || lacks deb-systemd-helper init-system-helpers
    # The test of the wheel installs it into an environment of its own.
    have_venv || lacks python3-venv python3-venv
fi
if [ "$purpose" = bench ]; then
    have sqlite3 || lacks sqlite3 sqlite3
    have find || lacks find findutils
fi
# Tools that come from crates.io and PyPI, in a version that was tried.
tools() {
    case $purpose in deb | test)
        if ! cargo deb --version >/dev/null 2>&1; then
            say "setup: cargo install --locked cargo-deb@$CARGO_DEB"
            cargo install --quiet --locked "cargo-deb@$CARGO_DEB" >&2
        fi ;;
    esac
    case $purpose in wheel | test)
        if ! python3 -m maturin --version >/dev/null 2>&1; then
            say "setup: python3 -m pip install maturin==$MATURIN"
            where=$(python3 -c 'import sys; print("" if sys.prefix != sys.base_prefix else "--user")')
            # shellcheck disable=SC2086 # an option or none
            PIP_ROOT_USER_ACTION=ignore PIP_BREAK_SYSTEM_PACKAGES=1 python3 -m pip install --quiet \
                --disable-pip-version-check $where "maturin==$MATURIN" >&2
        fi ;;
    esac
}
[ -n "$missing" ] || { tools; exit 0; }

say "setup: missing:$missing"
if ! have apt-get; then
    say "setup: this is no Debian-like system. Install these with its package manager, then run make again:"
    say "    cmake 3.14+, make, a C++17 compiler, libclang with its headers, python3 with pip"
    [ "$purpose" = bench ] && say "    and for the benchmark sqlite3 and GNU find"
    exit 1
fi
if [ "$(id -u)" = 0 ]; then
    root=
elif have sudo && sudo -n true 2>/dev/null; then
    root=sudo
elif have sudo && [ -t 0 ] && [ -t 2 ]; then
    say "setup: sudo may ask for your password"
    root=sudo
else
    say "setup: installing them needs root. As root, or with sudo in front of both, run this, then make again:"
    say "    apt-get update && apt-get install -y --no-install-recommends$packages"
    exit 1
fi
say "setup: $root apt-get update"
# One broken source in the list need not matter; whether the packages can be had decides.
$root apt-get update -qq || say "setup: apt-get update had errors, going on"
say "setup: $root apt-get install -y --no-install-recommends$packages"
# shellcheck disable=SC2086 # a list of words
$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >&2
tools
