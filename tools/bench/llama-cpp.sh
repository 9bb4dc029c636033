# Sourced by compare and race: gets llama.cpp, prebuilt, from the npm package node-llama-cpp, into a folder of the cache;
# nothing else uses it. Sets $folder, which holds the program `peer` then.
#   $name   who is speaking
#   $tools  the folder of this file

version=3.22.1

say() {
  printf '%s: %s\n' "$name" "$*" >&2
}

for tool in node npm; do
  command -v "$tool" >/dev/null || {
    say "$tool is not there; llama.cpp comes as a package of Node.js 20 or later"
    exit 1
  }
done
case $(uname -s)-$(uname -m) in
Linux-x86_64) platform=linux-x64 ;;
Linux-aarch64) platform=linux-arm64 ;;
*)
  say "there is no prebuilt llama.cpp for $(uname -s) on $(uname -m)"
  exit 1
  ;;
esac

folder=${XDG_CACHE_HOME:-$HOME/.cache}/moetier/llama.cpp-$version
bins=node_modules/@node-llama-cpp/$platform/bins/$platform
if [ ! -f "$folder/$bins/llama-addon.node" ]; then
  say "fetching llama.cpp of node-llama-cpp $version into $folder"
  mkdir -p "$folder"
  npm install --prefix "$folder" --silent --no-audit --no-fund --ignore-scripts "@node-llama-cpp/$platform@$version" >&2 || {
    say "npm could not fetch @node-llama-cpp/$platform $version"
    exit 1
  }
fi
cp "$tools/llama-cpp.mjs" "$folder"
# One thread of Node.js waits for llama.cpp's own; more would wake up on other cores.
cat >"$folder/peer" <<END
#!/bin/sh
folder=\$(dirname "\$0")
UV_THREADPOOL_SIZE=1 exec node "\$folder/llama-cpp.mjs" "\$folder/$bins" "\$@"
END
chmod +x "$folder/peer"
