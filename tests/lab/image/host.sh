#!/bin/bash
# Makes the disk image of a host, and the apt repository that it installs from.
# usage: host.sh RELEASE RUNNER DIRECTORY bare|packages     → DIRECTORY/{host.raw,repository/}
#
# A bare host has an SSH server, Python, Java, and nothing of a cluster. To unpack those two shows nothing of the operator. The other one has the
# packages, too.
# What a host is told at its first start (name, addresses, keys)
# comes from its third disk, a plain tar archive: see lab-seed below.
set -euo pipefail
release=$1 runner=$(realpath "$2") out=$(realpath -m "$3") kind=$4
here=$(dirname "$(realpath "$0")")
work=$(mktemp -d)
cleanup() {
  for point in dev proc; do ! mountpoint -q "$work/host/$point" || umount "$work/host/$point"; done
  rm -rf "$work"
}
trap cleanup EXIT

mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' | awk '$2 ~ /^(bookworm|trixie|bullseye)$/ {print $1; exit}')
kernel=$(ls "$runner/usr/lib/uml/modules")
mapfile -t packages < <(grep -v '^#' "$here/packages.$release")

mmdebstrap --quiet --variant=important --include=openssh-server,python3,default-jre-headless,iproute2,kmod,dbus,libpam-systemd,ca-certificates \
  "$release" "$work/host" "deb $mirror $release main"
mkdir -p "$work/host/lib/modules" "$work/host/root/.ssh"
cp -a "$runner/usr/lib/uml/modules/$kernel" "$work/host/lib/modules/"
chroot "$work/host" depmod "$kernel"
rm -f "$work"/host/etc/ssh/ssh_host_* "$work/host/etc/hostname"
install -m 0755 "$here/lab-seed" "$work/host/usr/local/sbin/lab-seed"
install -m 0644 "$here/lab-seed.service" "$work/host/etc/systemd/system/lab-seed.service"
chroot "$work/host" systemctl -q enable lab-seed.service
echo '127.0.0.1 localhost' > "$work/host/etc/hosts"
# An installation takes minutes here, half of them for manuals, translations and syncs that no test looks at.
cat > "$work/host/etc/dpkg/dpkg.cfg.d/lab" << 'CONFIG'
force-unsafe-io
path-exclude=/usr/share/doc/*
path-exclude=/usr/share/info/*
path-exclude=/usr/share/locale/*
path-exclude=/usr/share/man/*
CONFIG
# systemd runs all of its generators at each reload, which takes seconds here, and packages reload it again and again. Of what these look for the hosts have nothing.
mkdir -p "$work/host/etc/systemd/system-generators"
for what in bless-boot cryptsetup debug getty gpt-auto hibernate-resume integritysetup rc-local run system-update sysv veritysetup; do
  ln -s /dev/null "$work/host/etc/systemd/system-generators/systemd-$what-generator"
done
# tomcat starts in 13 s with Java's first compiler alone, and in 20 s with both (Debian 12).
mkdir -p "$work/host/etc/systemd/system.conf.d"
printf '[Manager]\nDefaultEnvironment=JDK_JAVA_OPTIONS=-XX:TieredStopAtLevel=1\n' > "$work/host/etc/systemd/system.conf.d/lab.conf"
# Each execution leaves a line in the journal, so that a test can count them on the side of the host.
printf 'LogLevel VERBOSE\n' > "$work/host/etc/ssh/sshd_config.d/lab.conf"

# The packages themselves, fetched as the host would resolve them; and what is in the repository only: the firewalls and presets the operator knows, and
# what tests break disks with.
cp /etc/resolv.conf "$work/host/etc/resolv.conf"
mount --bind /proc "$work/host/proc"
mount --bind /dev "$work/host/dev"
export DEBIAN_FRONTEND=noninteractive
chroot "$work/host" apt-get update -qq
chroot "$work/host" apt-get install -y -qq --no-install-recommends --download-only "${packages[@]}" firewalld ufw dmsetup nginx postgresql > /dev/null
mkdir -p "$work/repository"
cp "$work"/host/var/cache/apt/archives/*.deb "$work/repository/"
(cd "$work/repository"; apt-ftparchive packages . > Packages; apt-ftparchive release . > Release)

if [ "$kind" = packages ]; then
  # None of their services has ever run or will start by itself.
  printf '#!/bin/sh\nexit 101\n' > "$work/host/usr/sbin/policy-rc.d"
  chmod 0755 "$work/host/usr/sbin/policy-rc.d"
  chroot "$work/host" apt-get install -y -qq --no-install-recommends "${packages[@]}" > /dev/null
  rm "$work/host/usr/sbin/policy-rc.d"
  chroot "$work/host" sh -c 'systemctl -q disable corosync pacemaker pcsd drbd tomcat9 tomcat10 tomcat11 2> /dev/null || true'
  rm -f "$work/host/etc/corosync/corosync.conf"
fi
chroot "$work/host" apt-get clean
umount "$work/host/dev" "$work/host/proc"

rm -rf "$work/host/etc/resolv.conf" "$work"/host/etc/apt/sources.list* "$work"/host/var/lib/apt/lists/*
echo 'deb [trusted=yes] http://repository.lab:8000/ ./' > "$work/host/etc/apt/sources.list"
mkdir -p "$out"
mke2fs -q -t ext4 -d "$work/host" "$work/host.raw" 4G
rm -rf "$out/repository"
mv "$work/repository" "$work/host.raw" "$out/"
