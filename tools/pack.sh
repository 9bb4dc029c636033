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

# Leaves in the folder of jars $1 only what this machine loads: some have libraries for others as well, and gRPC has some
# that it would encrypt with if Java did not.
only_this_machine() {
  case $(uname -m) in
  aarch64) machine=aarch_64 ;;
  *) machine=$(uname -m) ;;
  esac
  for jar in "$1"/tokenizers-*.jar; do
    smaller "$jar" -path '*/native/lib/*' ! -name '*.properties' ! -path "*linux-$(uname -m)*"
  done
  for jar in "$1"/grpc-netty-shaded-*.jar; do
    [ ! -e "$jar" ] || smaller "$jar" -path '*/META-INF/native/*' ! -name "*_epoll_$machine.so"
  done
}

# Makes the jar $1 anew without the files that find's conditions after it are true of.
smaller() {
  (
    jar=$1
    shift
    rm -rf "$scratch/jar"
    mkdir "$scratch/jar"
    cd "$scratch/jar"
    "$JAVA_HOME/bin/jar" --extract --file "$jar"
    find . -type f "$@" -exec rm {} +
    "$JAVA_HOME/bin/jar" --create --file "$jar" --manifest META-INF/MANIFEST.MF .
  )
}
