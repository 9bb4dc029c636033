#!/bin/sh
# Runs the tests of a module in one JVM: what several classes run is compiled once. ./check runs it beside others.
#   tests.sh all|quick MODULE[:packaged]
# MODULE is a folder; with :packaged, what is tested there is the program as it is packed, else all else.
set -eu
root=$(pwd -P)
packaged=io.moetier.cli.packaged
of=$2 module=${2%:packaged}

left='(?!)' # which is nobody's name
compilers=@$root/.mvn/late.args
if [ "$1" = quick ]; then
  left=$(sed -n '/^[^#]/ { s/[.]/[.]/g; s/[*]/[^.]*/g; s/^/(.*[.])?/p; }' .mvn/slow-tests | paste -sd '|' -)
  compilers=-XX:TieredStopAtLevel=1 # these tests end before the optimising compiler has paid for itself
elif [ "$module" = engine/kernels ]; then
  compilers=
fi
if [ "$of" = "$module" ]; then
  set -- "--exclude-package=$packaged"
  program=
else
  set -- "--include-package=$packaged"
  program=-Dmoetier.program=$root/cli/target/moetier.jar
fi

cd "$module"
path=$PWD/target/test-classes:$PWD/target/classes:$(cat target/test-classpath)
agent=$(echo "$path" | tr : '\n' | sed -n 's,^.*/mockito-core-[^/]*[.]jar$,-javaagent:&,p')
reports=target/test-reports/${of##*/}
rm -rf "$reports"
"$JAVA_HOME/bin/java" "@$root/cli/src/main/launcher/jvm.args" "@$root/.mvn/tests.args" \
  ${compilers:+"$compilers"} ${agent:+"$agent"} ${program:+"$program"} \
  "-Djava.io.tmpdir=${TMPDIR:-/tmp}" -Dmoetier.tests.told=true \
  -cp "$path" org.junit.platform.console.ConsoleLauncher execute \
  --scan-classpath="$PWD/target/test-classes" --include-classname='.*Test' --exclude-classname="$left" "$@" \
  --config=junit.jupiter.testclass.order.default='org.junit.jupiter.api.ClassOrderer$ClassName' \
  --reports-dir="$reports" --disable-banner --disable-ansi-colors --details=none || exit 1
[ -f "$reports/TEST-junit-jupiter.xml" ] || {
  echo "FAILED: the JVM of the tests of $of ended before they did, as if all was well"
  exit 1
}
