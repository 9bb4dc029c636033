#!/bin/sh
# Compiles the kernels of this folder for the machine's kind of processor, once for each level of instructions that makes
# a difference, and links them into META-INF/native/PLATFORM/libmoetier.so (.dylib) in CLASSES. Without a compiler that can, it says what
# is left out and ends well: Moetier then computes in Java.
#   build.sh CLASSES OBJECTS [all|own]      CC: the compiler, else cc, gcc or clang
#   own: only the level that this very processor would use, for those who compile what they run themselves; it takes a
#   third of the time. What was compiled before stays part of the library.
set -eu
unset CDPATH # or cd looks elsewhere for a folder, and prints where it found it

classes=$1
objects=$2
wanted=${3:-all}
sources=$(cd "$(dirname "$0")" && pwd -P)

omit() {
  echo "native kernels: $*"
}

case $(uname -s) in
Linux) system=linux library=libmoetier.so link='-shared -Wl,-z,noexecstack' ;;
Darwin) system=osx library=libmoetier.dylib link=-dynamiclib ;;
*) omit "left out, as there are none for $(uname -s); the Vector API computes, more slowly" && exit 0 ;;
esac
case $(uname -m) in
x86_64 | amd64) processor=x86_64 levels='v3 avx512 amx' ;;
aarch64 | arm64) processor=aarch64 levels=dotprod ;;
*) omit "left out, as there are none for $(uname -m); the Vector API computes, more slowly" && exit 0 ;;
esac
target=$classes/META-INF/native/$system-$processor/$library

instructions() {
  case $1 in
  v3) echo -march=x86-64-v3 ;;
  avx512) echo -march=x86-64-v4 -mavx512vnni -mavx512bf16 ;;
  amx) echo -march=x86-64-v4 -mavx512vnni -mavx512bf16 -mamx-tile -mamx-int8 ;;
  dotprod) echo -march=armv8.2-a+dotprod+fp16 ;;
  esac
}

# Prints the level at which a source is compiled for another: level amx takes from avx512 what has nothing of AMX.
level_of() {
  if [ "$1" = amx ] && ! grep -q __AMX_INT8__ "$2"; then echo avx512; else echo "$1"; fi
}

# Says whether what belongs to a level is compiled, or will be as a part of it.
covered() {
  case " $levels " in *" $1 "*) return 0 ;; esac
  grep -qx "$1" "$objects/levels" 2>/dev/null
}

# Says whether there is a library that is younger than the sources.
current() {
  [ -f "$target" ] && [ -z "$(find "$sources" -newer "$target" -print)" ]
}

# Says whether it was made with all levels that are wanted.
complete() {
  current || return 1
  for level in $levels; do
    grep -qx "$level" "$objects/levels" 2>/dev/null || return 1
  done
}

! complete || exit 0

compiler=
for candidate in ${CC:-cc gcc clang}; do
  if command -v "$candidate" >/dev/null; then
    compiler=$candidate
    break
  fi
done
if [ -z "$compiler" ]; then
  rm -f "$target" "$target.sha256"
  omit "left out, as no C compiler was found (${CC:-cc, gcc or clang}); the Vector API computes, and prompts are read at half the speed or less"
  exit 0
fi

# One at a time: the launcher starts this beside javac, and its build comes to it later.
mkdir -p "$objects" "$(dirname "$target")"
! command -v flock >/dev/null || { exec 8>"$objects/.lock" && flock 8; }

flags='-O3 -fPIC -fvisibility=hidden -std=gnu11 -Wall -Wextra'

# Says whether the compiler makes programs for these instructions at all.
understands() {
  printf 'int nothing;\n' | "$compiler" "$@" -x c -c -o "$objects/probe.o" - 2>/dev/null && rm -f "$objects/probe.o"
}

# Prints the level that this processor would use: what the library itself would say.
own_level() {
  printf '#include "%s/level.c"\nint main(void) { return moetier_level(); }\n' "$sources" >"$objects/own.c"
  "$compiler" -o "$objects/own" "$objects/own.c" || return 0
  number=0
  "$objects/own" || number=$?
  case $number in
  1) echo v3 ;;
  2) echo avx512 ;;
  3) echo dotprod ;;
  4) echo amx ;;
  esac
}

if [ "$wanted" = own ]; then
  levels=$(own_level)
  [ -n "$levels" ] || { omit 'left out, as there are none for this processor; Java computes, more slowly' && exit 0; }
fi
! complete || exit 0
current || rm -f "$objects"/*.o "$objects/levels"
rm -f "$target" "$target.sha256"

jobs=
for level in $levels; do
  ! grep -qx "$level" "$objects/levels" 2>/dev/null || continue
  # shellcheck disable=SC2046,SC2086 # flags are separated by blanks
  if ! understands $flags $(instructions "$level"); then
    omit "those for $level are left out, as $compiler does not know $(instructions "$level"); processors that have it compute more slowly"
    continue
  fi
  for source in "$sources"/*.c; do
    name=$(basename "$source" .c)
    [ "$name" != level ] || continue
    at=$(level_of "$level" "$source")
    [ "$at" = "$level" ] || ! covered "$at" || continue
    # shellcheck disable=SC2046,SC2086
    "$compiler" $flags -DMOETIER_LEVEL="$at" $(instructions "$at") -c -o "$objects/$name-$at.o" "$source" &
    jobs="$jobs $!"
  done
done
for level in $levels; do
  echo "$level"
done >"$objects/levels.new"
[ -n "$jobs" ] || exit 0
# shellcheck disable=SC2086
"$compiler" $flags -c -o "$objects/level.o" "$sources/level.c"
for job in $jobs; do
  wait "$job"
done
# Renamed when complete, so that a broken build leaves no half of a library.
# shellcheck disable=SC2086
"$compiler" $link -o "$target.part" "$objects"/*.o -lm
cat "$objects/levels.new" >>"$objects/levels"
for program in sha256sum 'shasum -a 256'; do
  if command -v "${program%% *}" >/dev/null; then
    $program <"$target.part" >"$target.sha256" # else whoever loads it does that
    break
  fi
done
mv "$target.part" "$target"
