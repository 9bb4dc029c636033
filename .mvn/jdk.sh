# Sourced by ./moetier, ./check and the scripts of tools: sets JAVA_HOME to a JDK 25 or newer and makes sure that there
# is one. Needs $root. Speaks on stderr only, one line for each thing it does.
. "$root/cli/src/main/launcher/start.sh"

# Prints the feature version of the JDK in directory $1; nothing if there is no JDK.
jdk_version() {
  [ -x "$1/bin/java" ] && [ -x "$1/bin/javac" ] && [ -r "$1/release" ] || return 0
  sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$1/release"
}

# Takes directory $1 as JAVA_HOME if it holds a JDK 25 or newer.
use_jdk() {
  jdk=$(jdk_version "$1")
  [ "${jdk:-0}" -ge 25 ] || return 1
  JAVA_HOME=$1
  export JAVA_HOME
}

search_jdk() {
  [ -z "${JAVA_HOME-}" ] || ! use_jdk "$JAVA_HOME" || return 0
  java=$(command -v java) && use_jdk "$(dirname "$(dirname "$(readlink -f "$java")")")" && return 0
  for dir in /usr/lib/jvm/* "$HOME"/.sdkman/candidates/java/* /opt/* "$HOME"/.jdks/*; do
    use_jdk "$dir" && return 0
  done
  [ -x /usr/libexec/java_home ] && use_jdk "$(/usr/libexec/java_home -v 25+ 2>/dev/null)"
}

# Installs a JDK with apt, and leaves the machine's default java as it was.
install_jdk() {
  say 'no JDK 25 found, installing openjdk-25-jdk-headless'
  defaults=$(for link in /etc/alternatives/*; do
    printf '%s %s\n' "${link##*/}" "$(readlink "$link")"
  done | grep ' /usr/lib/jvm/')
  {
    apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends openjdk-25-jdk-headless
  } >/dev/null 2>&1 || return 1
  printf '%s\n' "$defaults" | while read -r name path; do
    [ -z "$name" ] || [ "$(readlink "/etc/alternatives/$name")" = "$path" ] ||
      update-alternatives --set "$name" "$path" >/dev/null 2>&1 || say "$name is now that of JDK 25"
  done
}

find_jdk() {
  if [ -n "${MOETIER_JAVA_HOME-}" ]; then
    use_jdk "$MOETIER_JAVA_HOME" && return 0
    say "MOETIER_JAVA_HOME: expected a JDK 25 or newer, found version $(jdk_version "$MOETIER_JAVA_HOME" | grep . || echo none) in $MOETIER_JAVA_HOME"
    exit 1
  fi
  search_jdk && return 0
  command='install a JDK 25 and set JAVA_HOME to it'
  if command -v apt-get >/dev/null; then
    command='type: sudo apt-get update && sudo apt-get install openjdk-25-jdk-headless'
    [ "$(id -u)" = 0 ] && install_jdk && search_jdk && return 0
  fi
  say "no JDK 25 found; $command"
  exit 1
}
