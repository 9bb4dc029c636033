#!/bin/sh
# Packs what verify-on-gpu.sh needs on a machine that has a GPU, but no network, Maven or JDK: a folder and its .tar.gz.
#   pack.sh [--built] [FOLDER]     --built: take what is built as it is; FOLDER: else target/moetier-gpu
set -eu
unset CDPATH # or cd looks elsewhere for a folder, and prints where it found it
root=$(cd "$(dirname "$0")/../.." && pwd -P)
. "$root/.mvn/jdk.sh"
. "$root/tools/pack.sh"
find_jdk
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
most=64000000
golden='mixtral gpt_oss gpt_oss_mxfp4 deepseek_v2_lite qwen3_next jamba minimax llama4_scout nllb_moe switch_transformers'

built=
[ "${1-}" != --built ] || { built=1 && shift; }
folder=${1:-$root/target/moetier-gpu}
[ ! -e "$folder" ] || { [ -f "$folder/verify-on-gpu.sh" ] && [ -f "$folder/moetier.jar" ]; } || { # tools/gpu has no jar
  say "$folder: expected a folder of an earlier pack or none, found something else"
  exit 2
}
rm -rf "$folder"
mkdir -p "$folder/lib" "$folder/test-data/golden"
folder=$(cd "$folder" && pwd -P)
cd "$root"
[ "$built" ] || ./mvnw -q -ntp -B -pl cli -am -DskipTests package

cp tools/gpu/verify-on-gpu.sh cli/target/moetier.jar "$folder"
grep -v jdk.compiler cli/src/main/launcher/jvm.args >"$folder/jvm.args" # which only an import needs
for jar in cli/target/lib/*.jar $(tr ':' '\n' <cli/target/test-classpath | grep -E '/(junit-(jupiter|platform-(commons|engine|launcher))|opentest4j)-[^/]*[.]jar$'); do
  case ${jar##*/} in # what neither runs nor tests on a device load
  uplot* | jinjava* | guava* | listenable* | failure* | immutables* | commons-* | re2j* | protobuf* | imageio-* | common-image-* | common-io-* | common-lang-* | jackson-data* | algebra* | grpc-* | jgroups* | gson* | perfmark* | chronicle-* | javapoet* | posix* | compiler-*) ;;
  *) cp "$jar" "$folder/lib" ;;
  esac
done

only_this_machine "$folder/lib"
"$JAVA_HOME/bin/jar" --create --file "$folder/lib/tests.jar" -C engine/kernels/target/test-classes io/moetier/kernels \
  -C tools/lab/target/test-classes io/moetier/lab/device -C test-data/target/classes io
# The archive is compressed as a whole, which is less than its modules one by one.
make_runtime java.logging,java.management,jdk.incubator.vector,jdk.jfr,jdk.management,jdk.unsupported
tar -czf "$folder/runtime.tar.gz" -C "$(dirname "$runtime")" runtime

# Each runs for a second or two.
java() { quietly "$JAVA_HOME/bin/java" @cli/src/main/launcher/jvm.args -XX:+UseSerialGC -XX:TieredStopAtLevel=1 "$@"; }
java -cp cli/target/moetier.jar io.moetier.cli.Moetier import test-data/models/tiny-mixtral \
  --quant q4_0 --quant-dense q8_0 --out "$folder/tiny-mixtral.mtier"
# shellcheck disable=SC2086 # names are separated by blanks
java -cp "tools/lab/target/test-classes:$(cat cli/target/test-classpath)" io.moetier.lab.device.PackedGolden "$folder/test-data/golden" $golden

rm -f "$folder.tar.gz"
# All but little is compressed.
tar -I 'gzip -1' -cf "$folder.tar.gz" -C "$(dirname "$folder")" "$(basename "$folder")"
bytes=$(find "$folder" -type f -exec cat {} + | wc -c)
[ "$bytes" -lt $most ] || {
  say "$folder: expected less than $most bytes, found $bytes"
  exit 1
}
echo "$folder.tar.gz"
