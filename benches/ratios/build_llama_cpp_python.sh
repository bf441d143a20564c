#!/bin/sh
# build_llama_cpp_python.sh FOLDER PACKAGE: llama-cpp-python, built by pip from its source package with its own flags, as PyPI
# has no wheel of it. Takes minutes; does nothing where it has been done.
set -eu
folder=$1 package=$2
[ -d "$folder/llama_cpp" ] && exit
echo "bench: building $package in $folder (about 10 minutes on two cores)"
# As in build_llama_server.sh: without AMX.
case $(uname -m) in x86_64) flags="-mno-amx-tile -mno-amx-int8 -mno-amx-bf16" ;; *) flags= ;; esac
export CFLAGS="$flags" CXXFLAGS="$flags"
rm -rf "$folder.new"
PIP_ROOT_USER_ACTION=ignore CMAKE_BUILD_PARALLEL_LEVEL=$(nproc) \
    nice python3 -m pip install --quiet --disable-pip-version-check --target "$folder.new" "$package"
mv "$folder.new" "$folder"
