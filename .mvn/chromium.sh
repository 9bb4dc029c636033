# Sourced by ./check: makes sure that there is a Chromium, in which the tests open the reports.
# Needs say of jdk.sh.

find_chromium() {
  for name in chromium-headless-shell chromium chromium-browser google-chrome chrome; do
    ! command -v $name >/dev/null || return 0
  done
  command -v apt-get >/dev/null && [ "$(id -u)" -eq 0 ] || {
    say 'no Chromium found; install one, the test of the reports needs it'
    return 0
  }
  say 'no Chromium found, installing chromium-headless-shell'
  {
    apt-get -qq update
    apt-get -qq -y --no-install-recommends install chromium-headless-shell
  } >/dev/null 2>&1 </dev/null || say 'chromium-headless-shell could not be installed'
}
