#!/bin/bash
# Makes the disk image of a bare host, the apt repository it installs from, and the image of a host that already has those packages.
# usage: host.sh RELEASE RUNNER DIRECTORY     → DIRECTORY/{bare.raw,packages.raw,repository/}
#
# A bare host has an SSH server, Python, Java, and nothing of a cluster. To unpack those two shows nothing of the operator.
# What a host is told at its first start (name, addresses, keys)
# comes from its third disk, a plain tar archive: see lab-seed below.
set -euo pipefail
release=$1 runner=$(realpath "$2") out=$(realpath -m "$3")
here=$(dirname "$(realpath "$0")")
work=$(mktemp -d)
cleanup() {
  for point in dev proc; do ! mountpoint -q "$work/full/$point" || umount "$work/full/$point"; done
  rm -rf "$work"
}
trap cleanup EXIT

mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' | awk '$2 ~ /^(bookworm|trixie|bullseye)$/ {print $1; exit}')
kernel=$(ls "$runner/usr/lib/uml/modules")
mapfile -t packages < <(grep -v '^#' "$here/packages.$release")

mmdebstrap --quiet --variant=important --include=openssh-server,python3,default-jre-headless,iproute2,kmod,dbus,libpam-systemd,ca-certificates \
  "$release" "$work/bare" "deb $mirror $release main"
mkdir -p "$work/bare/lib/modules" "$work/bare/root/.ssh"
cp -a "$runner/usr/lib/uml/modules/$kernel" "$work/bare/lib/modules/"
chroot "$work/bare" depmod "$kernel"
rm -f "$work"/bare/etc/ssh/ssh_host_* "$work/bare/etc/hostname"
install -m 0755 "$here/lab-seed" "$work/bare/usr/local/sbin/lab-seed"
install -m 0644 "$here/lab-seed.service" "$work/bare/etc/systemd/system/lab-seed.service"
chroot "$work/bare" systemctl -q enable lab-seed.service
echo '127.0.0.1 localhost' > "$work/bare/etc/hosts"
# An installation takes minutes here, half of them for manuals, translations and syncs that no test looks at.
cat > "$work/bare/etc/dpkg/dpkg.cfg.d/lab" << 'CONFIG'
force-unsafe-io
path-exclude=/usr/share/doc/*
path-exclude=/usr/share/info/*
path-exclude=/usr/share/locale/*
path-exclude=/usr/share/man/*
CONFIG
# systemd runs all of its generators at each reload, which takes seconds here, and packages reload it again and again. Of what these look for the hosts have nothing.
mkdir -p "$work/bare/etc/systemd/system-generators"
for what in bless-boot cryptsetup debug getty gpt-auto hibernate-resume integritysetup rc-local run system-update sysv veritysetup; do
  ln -s /dev/null "$work/bare/etc/systemd/system-generators/systemd-$what-generator"
done
# tomcat starts in 13 s with Java's first compiler alone, and in 20 s with both (Debian 12).
mkdir -p "$work/bare/etc/systemd/system.conf.d"
printf '[Manager]\nDefaultEnvironment=JDK_JAVA_OPTIONS=-XX:TieredStopAtLevel=1\n' > "$work/bare/etc/systemd/system.conf.d/lab.conf"
# Each execution leaves a line in the journal, so that a test can count them on the side of the host.
printf 'LogLevel VERBOSE\n' > "$work/bare/etc/ssh/sshd_config.d/lab.conf"

# The packages themselves, fetched as the host would resolve them; and what is in the repository only: the firewalls and presets the operator knows, and
# what tests break disks with.
cp -a "$work/bare" "$work/full"
cp /etc/resolv.conf "$work/full/etc/resolv.conf"
mount --bind /proc "$work/full/proc"
mount --bind /dev "$work/full/dev"
printf '#!/bin/sh\nexit 101\n' > "$work/full/usr/sbin/policy-rc.d"
chmod 0755 "$work/full/usr/sbin/policy-rc.d"
export DEBIAN_FRONTEND=noninteractive
chroot "$work/full" apt-get update -qq
chroot "$work/full" apt-get install -y -qq --no-install-recommends --download-only "${packages[@]}" firewalld ufw dmsetup nginx postgresql > /dev/null
mkdir -p "$work/repository"
cp "$work"/full/var/cache/apt/archives/*.deb "$work/repository/"
(cd "$work/repository"; apt-ftparchive packages . > Packages; apt-ftparchive release . > Release)

# The same host with the packages, none of whose services has ever run or will start by itself.
chroot "$work/full" apt-get install -y -qq --no-install-recommends "${packages[@]}" > /dev/null
chroot "$work/full" apt-get clean
rm -f "$work/full/usr/sbin/policy-rc.d" "$work/full/etc/resolv.conf"
chroot "$work/full" sh -c 'systemctl -q disable corosync pacemaker pcsd drbd tomcat9 tomcat10 tomcat11 2> /dev/null || true'
rm -f "$work/full/etc/corosync/corosync.conf"
umount "$work/full/dev" "$work/full/proc"

for kind in bare full; do
  rm -rf "$work/$kind"/etc/apt/sources.list* "$work/$kind"/var/lib/apt/lists/*
  echo 'deb [trusted=yes] http://repository.lab:8000/ ./' > "$work/$kind/etc/apt/sources.list"
done
mkdir -p "$out"
mke2fs -q -t ext4 -d "$work/bare" "$work/bare.raw" 4G
mke2fs -q -t ext4 -d "$work/full" "$work/packages.raw" 4G
rm -rf "$out/repository"
mv "$work/repository" "$work/bare.raw" "$work/packages.raw" "$out/"
