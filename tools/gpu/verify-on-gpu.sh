#!/bin/sh
# Checks Moetier on the GPU of this machine, measures it, and prints one table; exit code 1 if a check failed.
#   verify-on-gpu.sh [--device cuda|emulated] [--short]
# Needs glibc, NVIDIA's driver, and nothing else: pack.sh packs the rest beside it.
set -u
unset CDPATH # or cd looks elsewhere for a folder, and prints where it found it
here=$(cd "$(dirname "$0")" && pwd -P)
device=cuda
long=1 quick=
while [ $# -gt 0 ]; do
  case $1 in
  --device) device=${2-} && shift ;;
  --short) long= quick=--quick ;;
  *) device= ;;
  esac
  [ $# = 0 ] || shift
done
case $device in
cuda) real=real tokens=48 bench='-p 512 -n 128 -r 5' ;;
emulated) real=no tokens=4 bench='-p 8 -n 2 -r 1' ;;
*) echo 'usage: verify-on-gpu.sh [--device cuda|emulated] [--short]' >&2 && exit 2 ;;
esac
jit=
[ "$device$long" != emulated ] || jit='-XX:+UseSerialGC -XX:TieredStopAtLevel=1' # ends before more pays

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
tar -xzf "$here/runtime.tar.gz" -C "$work" || exit 1
cd "$here" || exit 1 # where the tests look for test-data
export LC_ALL=C.UTF-8 MOETIER_CACHE="$work/cache"
model=tiny-mixtral.mtier
kernels=io.moetier.kernels.cuda engines=io.moetier.lab.device
failed=0

java() { "$work/runtime/bin/java" @jvm.args -Xlog:disable "$@"; }
moetier() { java -cp moetier.jar io.moetier.cli.Moetier "$@"; }
# shellcheck disable=SC2086 # options are separated by blanks
gpu_tests() { java $jit "-Dmoetier.cuda=$real" -cp 'lib/*' $engines.GpuTests "$@"; }

row() { printf '%-28s %-7s %-52s %7s\n' "$1" "$2" "$3" "$4"; }

# Runs a command and prints a row: the name, the result, what an awk program makes of the output, the seconds.
check() {
  name=$1 figure=$2 result=ok begin=$(date +%s)
  shift 2
  "$@" >"$work/log" 2>&1 || result=FAILED failed=1
  row "$name" "$result" "$(awk "$figure" "$work/log")" $(($(date +%s) - begin))
  [ $result = ok ] || tail -n 20 "$work/log" | cut -c 1-300 | sed 's/^/    /'
}

# Ends well only if a GPU was measured.
# shellcheck disable=SC2086 # nothing or an option
diagnose() { moetier doctor --threads 1 $quick --device "$device" >"$work/doctor" && cat "$work/doctor" && grep -q 'copies to it' "$work/doctor"; }

# Says the same as the CPU.
same_text() {
  for where in "$device" cpu; do
    # shellcheck disable=SC2086 # options are separated by blanks
    java $jit -cp moetier.jar io.moetier.cli.Moetier run $model --device "$where" --temp 0 -n "$tokens" --profile none 'Once upon a time there was a king who' >"$work/$where.text" || return
  done
  cmp "$work/cpu.text" "$work/$device.text"
}

measure() {
  # shellcheck disable=SC2086 # options are separated by blanks
  moetier bench $model --device "$device" --ctx 768 $bench "$@"
}

row check result figure seconds
check doctor '/^GPU 0/ { sub(/^GPU 0 */, ""); sub(/,.*/, ""); print }' diagnose
awk '/^GPU driver|^  its memory|^  copies / { sub(/^ */, ""); at = match($0, /   */); printf "  %-26s %-7s %s\n", substr($0, 1, at - 1), "", substr($0, at + RLENGTH) }' "$work/doctor"
for test in CudaDeviceTest ${long:+CudaContractTest TokensTest ProductsTest RoundedProductsTest AttentionTest RoutersTest ExpertsTest RoundedExpertsTest LayerTest}; do
  check "kernels: ${test%Test}" '/tests passed/' gpu_tests "$kernels.$test"
done
check 'same text as on the CPU' '/tokens at/ && !figure { sub(/,/, "", $9); figure = $6 " tokens at " $9 } END { print figure }' same_text
if [ "$long" ]; then
  check 'golden families' '/tests passed/' gpu_tests $engines.EmulatedFamiliesTest
  check 'same bits at each budget' '/tests passed/' gpu_tests $engines.EmulatedBudgetsTest
  least=$(measure --vram 1K 2>&1 | sed -n 's/.*at least \([0-9,]*\):.*/\1/p' | tr -d ,)
  for more in 0 2000000 4000000 all; do
    case $more in
    all) set -- ;;
    *) set -- --vram $((${least:-0} + more)) ;;
    esac
    check "speed: ${*:-all experts on the GPU}" \
      '/^prompt [0-9]/ { p = $3 } /^generate / { g = $3 } END { print "prompt " p ", generation " g " tokens/s" }' measure "$@"
  done
fi
exit $failed
