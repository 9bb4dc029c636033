# Sourced by .mvn/jdk.sh and by bin/moetier of a release: what the shell does around Moetier's JVM.
# Speaks on stderr only, one line for each thing it does.

# Maven and the cache need it, and services and containers may have none.
[ -n "${HOME-}" ] || HOME=$(eval "echo ~$(id -un 2>/dev/null)")
[ "${HOME#"~"}" = "$HOME" ] || HOME=/ # of a user without a name
export HOME

say() { printf 'moetier: %s\n' "$1" >&2; }

# Starts the JVM by the command $1, with the other arguments as those of Moetier.
launch() {
  by=$1
  shift
  # shellcheck disable=SC2086 # options are separated by blanks
  $by "$java" "@$args" -Xlog:disable "-XX:AOTCache=$cache" "-Dmoetier.terminals=$terminals" $heap ${MOETIER_JAVA_OPTS-} \
    -cp "$jar" io.moetier.cli.Moetier "$@"
}

# Becomes the JVM $java with the options in $args, the AOT cache $cache and the program $jar.
start() {
  # Where the current folder has been removed, the JVM ends with a trace.
  [ . -ef "$PWD" ] || env pwd >/dev/null 2>&1 || {
    say 'the current folder is no longer there; change to another one (cd)'
    exit 1
  }

  # The JVM takes arguments, names of files and variables for text in the encoding of the locale; here they are UTF-8,
  # whatever the locale is called. Where there is none of that name, the JVM would take them for ASCII.
  export LC_ALL=C.UTF-8

  # Else the JVM reads a file of its own there.
  { true 9<&0; } 2>/dev/null || exec </dev/null

  terminals=
  for stream in 0 1 2; do
    [ ! -t $stream ] || terminals=$terminals$stream
  done

  memory=$(ulimit -v 2>/dev/null) || memory=unlimited
  data=$(ulimit -d 2>/dev/null) || data=unlimited
  files=$(ulimit -n)
  # By itself, glibc takes 64 MiB of addresses for each thread that asks for memory.
  [ "$memory" = unlimited ] || export MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX-2}"
  # The JVM does not know this limit, and takes a quarter of the machine for its heap; of that, no more than it needs.
  heap=
  [ "$data" = unlimited ] || heap=-Xmx$((data < 8388608 ? data / 4 : 2097152))k

  # A JVM that such limits keep from starting says what failed, some of it on standard output, but not what helps. Few
  # have such limits; the others do not wait. Without the cache it opens the jars, as most commands do sooner or later.
  # A tenth of the addresses, or a quarter of the data, is for the cache and for what comes after the start.
  if [ "$memory$data" != unlimitedunlimited ] || { [ "$files" != unlimited ] && [ "$files" -lt 256 ]; }; then
    words=$(
      [ "$memory" = unlimited ] || ulimit -v $((memory / 10 * 9))
      [ "$data" = unlimited ] || ulimit -d $((data / 4 * 3))
      MOETIER_JAVA_OPTS="-XX:AOTMode=off -XX:+SuppressFatalErrorMessage ${MOETIER_JAVA_OPTS-}" launch command --version 2>&1
    ) || {
      printf '%s\n' "$words" | grep -Ev '^(Caused by: .*|[[:space:]]+(at|[.]{3}) .*|)$' >&2 || :
      say "the JVM could not start within the limits of this shell: memory $memory (ulimit -v, in KiB), data $data (ulimit -d, in KiB), open files $files (ulimit -n)"
      exit 1
    }
  fi
  launch exec "$@"
}
