#!/bin/sh
# Compiles the kernels of this folder to PTX, one file for each source, and lowers their header: nvcc 13 stamps PTX 9.0
# for compute capability 7.5, which only a driver of CUDA 13 reads; nothing in them is newer than PTX 6.0 and
# capability 6.1 (Pascal) but hints at bytes that are not used. Then has ptxas translate them for every processor it knows and fails on spilled registers.
#   build.sh TARGET [NAME...]     NVCC, PTXAS: the compilers, else those on the PATH; NAME: one source, else all
# After a change to the sources, TARGET is engine/kernels/src/main/resources/io/moetier/kernels/cuda, which is committed.
# The last line of each file has the sum of what it was made from and of the text above it, which the tests compare
# where there is no compiler too.
set -eu
export LC_ALL=C

mkdir -p "$1"
target=$(cd "$1" && pwd -P)
shift
sources=$(cd "$(dirname "$0")" && pwd -P)
nvcc=${NVCC:-nvcc}
ptxas=${PTXAS:-ptxas}

for tool in "$nvcc" "$ptxas"; do
  if ! command -v "$tool" >/dev/null; then
    echo "CUDA kernels: $tool is not there; the PTX stays as it is" >&2
    exit 3
  fi
done

jobs=
[ $# -gt 0 ] || set -- $(basename -s .cu "$sources"/*.cu)
for name; do
  (
    cd "$sources"
    "$nvcc" -O3 -std=c++17 -fmad=false -arch=compute_75 -ptx "$name.cu" -o "$target/$name.part"
    sed 's/^\.version .*/.version 6.0/; s/^\.target .*/.target sm_61/; /used_bytes_mask/d; /^\/\//d; /^[[:space:]]*\/\//d; /^$/d' \
      "$target/$name.part" >"$target/$name.ptx"
    rm "$target/$name.part"
    sum=$(cat build.sh "$name.cu" ./*.cuh "$target/$name.ptx" | sha256sum | cut -d ' ' -f 1)
    echo "// $sum" >>"$target/$name.ptx"
  ) &
  jobs="$jobs $!"
done
for job in $jobs; do
  wait "$job"
done

# Translates file $2 for processor $1.
translate() {
  said=$("$ptxas" -v -arch="$1" -o /dev/null "$2" 2>&1) || {
    echo "$said" >&2
    return 1
  }
  spilled=$(echo "$said" | grep -B1 ' bytes spill' | grep -v '^--' | paste -d ' ' - - |
    grep -v ' 0 bytes spill stores, 0 bytes spill loads' || true)
  [ -z "$spilled" ] || {
    echo "CUDA kernels: $(basename "$2") spills registers on $1" >&2
    echo "$spilled" >&2
    return 1
  }
}

processors=$("$ptxas" --help | grep -o "sm_[0-9]*[0-9]'" | tr -d "'" | sort -u)
for name; do
  ptx=$target/$name.ptx
  jobs=
  for processor in $processors; do
    translate "$processor" "$ptx" &
    jobs="$jobs $!"
  done
  for job in $jobs; do
    wait "$job"
  done
done
