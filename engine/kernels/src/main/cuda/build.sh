#!/bin/sh
# Compiles the kernels of this folder to PTX, one file for each source, and lowers their header: nvcc 13 stamps PTX 9.0
# for compute capability 7.5, which only a driver of CUDA 13 reads; nothing in them is newer than PTX 6.0 and
# capability 6.1 (Pascal) but hints at bytes that are not used. Then has ptxas translate them for every processor it knows and fails on spilled registers.
# A line of a source like TILED(q4_k, Q4_K) has kernels of a type of weights: those become a file of their own,
# SOURCE-TYPE, as a driver translates what it loads, and a model has few types.
#   build.sh TARGET [NAME...]     NVCC, PTXAS: the compilers, else those on the PATH; NAME: one file, else all
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

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
of_type='[A-Z_]*([a-z0-9_]*, [A-Z0-9_]*)' # a line

# Prints the names of all files.
names() {
  for source in $(basename -s .cu "$sources"/*.cu); do
    echo "$source"
    sed -n "/^$of_type\$/s/^[A-Z_]*(\([a-z0-9_]*\),.*/$source-\1/p" "$sources/$source.cu"
  done
}

# Compiles file $1: of its source all but the lines of types, or that of one type and not what they have in common.
compile() {
  source=${1%%-*} type= common=
  case $1 in *-*) type=${1#*-} common=-DONE_TYPE ;; esac
  mkdir "$scratch/$1"
  sed "/^$of_type\$/{/($type, /!d}" "$sources/$source.cu" >"$scratch/$1/$source.cu"
  "$nvcc" -O3 -std=c++17 -fmad=false -arch=compute_75 $common -I "$sources" -ptx "$scratch/$1/$source.cu" -o "$scratch/$1/ptx"
  sed 's/^\.version .*/.version 6.0/; s/^\.target .*/.target sm_61/; /used_bytes_mask/d; /^\/\//d; /^[[:space:]]*\/\//d; /^$/d' \
    "$scratch/$1/ptx" >"$scratch/$1.ptx"
  for table in $(sed -n 's/^\.global .* \([a-z0-9_]*\)\[.*/\1/p' "$scratch/$1.ptx"); do
    [ "$(grep -cw "$table" "$scratch/$1.ptx")" -gt 1 ] || sed -i "/^\.global .* $table\[/d" "$scratch/$1.ptx" # nobody reads it
  done
  sum=$(cd "$sources" && cat build.sh "$source.cu" ./*.cuh "$scratch/$1.ptx" | sha256sum | cut -d ' ' -f 1)
  echo "// $sum" >>"$scratch/$1.ptx"
  mv "$scratch/$1.ptx" "$target"
}

# Waits for what runs.
finish() {
  for job in $jobs; do
    wait "$job"
  done
  jobs=
}

# shellcheck disable=SC2046 # names without blanks
[ $# -gt 0 ] || set -- $(names)
jobs= most=$(getconf _NPROCESSORS_ONLN)
for name; do
  compile "$name" &
  jobs="$jobs $!"
  [ "$(echo "$jobs" | wc -w)" -lt "$most" ] || finish
done
finish

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
  for processor in $processors; do
    translate "$processor" "$ptx" &
    jobs="$jobs $!"
  done
  finish
done
