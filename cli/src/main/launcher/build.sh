#!/bin/sh
# Compiles what ./moetier runs, and neither checks nor tests it (the profile launcher of the poms). The compiler of C works
# beside that of Java; Maven's build waits for it where it needs what it makes. Says on stderr what it does.
#   build.sh ROOT      Needs JAVA_HOME.
set -eu
root=$1
. "$root/cli/src/main/launcher/start.sh"
target=$root/cli/target
log=$target/launcher-build.log
kernels=$root/engine/kernels

# Says what a build does, by what Maven prints, and fails if that does.
tell() {
  told=
  while IFS= read -r line; do
    case $line in
    *'Downloading from '*)
      [ -n "$told" ] || say '  downloading libraries and parts of Maven (once, about 85 MB)'
      told=1
      ;;
    *'Building Moetier '[a-z]*)
      line=${line#*Building Moetier }
      say "  compiling ${line%% *}"
      ;;
    failed) return 1 ;;
    esac
  done
}

sh "$kernels/src/main/native/build.sh" "$kernels/target/classes" "$kernels/target/native-objects" own \
  >"$target/launcher-native.log" 2>&1 </dev/null 9>&- &
built=yes
{
  cd "$root"
  ./mvnw -B -Dlauncher -pl cli -am process-classes \
    -Daether.dependencyCollector.impl=bf -Daether.connector.basic.threads=16 </dev/null 2>&1 || echo failed
} | tee "$log" | tell || built=
wait
# Classes that nobody has checked are no part of a build that checks.
rm -rf "$root"/*/target/maven-status "$root"/*/*/target/maven-status
[ -n "$built" ] || {
  why=$(grep -m 1 'ERROR.*[.]java' "$log" || grep -m 1 ERROR "$log" || grep -vx failed "$log" | tail -n 1)
  say "the build failed: ${why:-no message}; see $log"
  exit 1
}
