# Sourced by tools/dist and tools/gpu/pack.sh: what both put into a folder that is to run without a JDK.
# Needs $root, JAVA_HOME and $scratch, a folder to work in.

# Runs a command that has nothing to say unless it fails.
quietly() {
  "$@" >"$scratch/log" 2>&1 || {
    cat "$scratch/log" >&2
    exit 1
  }
}

# Sets $runtime to the folder of a Java runtime, of that name, with the modules $1 and what they need. It is made once.
make_runtime() {
  made=$root/target/jlink-$({ cat "$JAVA_HOME/release" && echo "$1"; } | cksum | tr ' ' -)
  runtime=$made/runtime
  [ ! -d "$made" ] || return 0
  mkdir -p "$root/target"
  making=$(mktemp -d "$root/target/.jlink-XXXXXX")
  quietly "$JAVA_HOME/bin/jlink" --strip-debug --no-header-files --no-man-pages --exclude-files '**/ct.sym' \
    --add-modules "$1" --output "$making/runtime"
  # Whoever else made one meanwhile made the same.
  mv -T "$making" "$made" 2>/dev/null || rm -rf "$making"
}

# Leaves in the jar of tokenizers $1 only what this machine loads: it has libraries for others as well.
only_this_machine() {
  (
    mkdir "$scratch/tokenizers"
    cd "$scratch/tokenizers"
    "$JAVA_HOME/bin/jar" --extract --file "$1"
    find native/lib -type f ! -name '*.properties' ! -path "*linux-$(uname -m)*" -exec rm {} +
    "$JAVA_HOME/bin/jar" --create --file "$1" --manifest META-INF/MANIFEST.MF ai native
  )
}
