# Sourced by ./moetier and tools/dist: makes what a start of $java takes, its options $args and its AOT cache $cache.
# Needs $root, $jdk (the feature version of $java), $jar, and $target, a folder to work in.

# Little is allocated after the start, so a small young generation saves memory and costs no time.
#
# C2 takes both cores of a small machine from what it compiles for, and most commands end before that pays: it waits four
# times as long as by itself, and the training records no profiles, by which each start would compile at once all that
# was run often in the training.
#
# Compilers leave free memory with C's allocator, which is given back each second: experts need it more.
#
# The incubating Vector API is loaded by Moetier itself on JDK 25, which spares the JVM's warning about it; a later
# JDK, on which that way is not tested, gets the option and prints the warning.
prepare() {
  if [ "$jdk" -eq 25 ]; then
    sed 's/^--add-modules=jdk.incubator.vector$/-XX:+UnlockExperimentalVMOptions\
-XX:+EnableVectorSupport\
--add-exports=java.base\/jdk.internal.module=ALL-UNNAMED/' "$root/cli/src/main/launcher/jvm.args"
  else
    cat "$root/cli/src/main/launcher/jvm.args"
  fi >"$args.new" && printf '%s\n' -XX:+UseSerialGC -Xmn16m -XX:TrimNativeHeapInterval=1000 -XX:Tier4InvocationThreshold=20000 \
    -XX:Tier4MinInvocationThreshold=2400 -XX:Tier4CompileThreshold=60000 -XX:Tier4BackEdgeThreshold=160000 \
    >>"$args.new" && mv "$args.new" "$args" || return
  # picocli is of Java 5's format, which the cache leaves out. Where that stays so, the start takes longer.
  "$java" "@$args" -cp "$jar" io.moetier.cli.NewerClassFiles "${jar%/*}"/lib/picocli-*.jar >/dev/null 2>&1 </dev/null || :
  # A failed training costs start-up time and nothing else: the JVM may crash at the start by what it made of less.
  "$java" "@$args" -XX:+IgnoreUnrecognizedVMOptions -XX:+UnlockDiagnosticVMOptions -XX:-AOTRecordTraining \
    "-XX:AOTCacheOutput=$cache.new" -cp "$jar" io.moetier.cli.StartUpTraining \
    "$root/test-data/models/tiny-mixtral" "$target/launcher-training/model.mtier" >"$target/launcher-training.log" 2>&1 </dev/null ||
    rm -f "$cache.new"
  [ -f "$cache.new" ] && mv "$cache.new" "$cache" || true >"$cache"
  clear_preparation
}

# Removes what is there only while it is prepared, and stays where that was ended.
clear_preparation() {
  rm -rf "$args.new" "$cache.new" "$cache.new.config" "$target/launcher-training" "${jar%/*}"/lib/*.jar.new
}
