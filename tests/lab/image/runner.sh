#!/bin/bash
# Makes the small root in which a host's kernel runs. usage: runner.sh DIRECTORY
#
# User-mode Linux comes from Debian's testing suite: the kernels of Debian 12 and 13 (6.1, 6.12) panic at init on processors with AMX.
# It needs a newer C library than Debian 12 has, hence a root of its own with just that library in it.
set -euo pipefail
out=$(realpath -m "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' | awk '$2 ~ /^(bookworm|trixie|bullseye)$/ {print $1; exit}')
mkdir -p lists/partial cache/archives/partial
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror forky main" > sources.list
options=(-o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$work/lists"
  -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root)
apt-get "${options[@]}" update -qq
apt-get "${options[@]}" download -qq user-mode-linux/forky libc6/forky

root=$work/root
mkdir -p "$root"/{proc,dev,tmp,lab}
for deb in ./*.deb; do dpkg-deb -x "$deb" "$root"; done
for library in lib lib64; do [ -e "$root/$library" ] || ln -s "usr/$library" "$root/$library"; done
mkdir -p "$(dirname "$out")"
rm -rf "$out"
mv "$root" "$out"
