#!/bin/sh
# bare_machine.sh FOLDER [MIRROR]: proves on a minimal Debian bookworm that a fresh clone of this repository needs
# nothing but ./batchlab. As root. What happens, in FOLDER:
#
#   base/      debootstrap --variant=minbase, made once (1 minute); delete it to start from nothing
#   machine/   a fresh copy of base with the committed state of this repository in /root/batchlab
#
# then, inside: `./batchlab demo`, `./batchlab demo` again, `.ci/run`. Their times and last lines are printed; the log
# of each is FOLDER/*.log. Exit code 0 when all of them passed.
#
# The machine gets the host's apt sources of Debian (or MIRROR), its name resolution, proxy settings and certificates,
# but none of its packages. BARE_STEPS="demo test" chooses what runs; BARE_DATA=FOLDER is bound as BATCHLAB_DATA.
set -u

[ $# -ge 1 ] || { sed -n '2,14s/^# \{0,1\}//p' "$0" && exit 2; }
[ "$(id -u)" -eq 0 ] || { echo "bare_machine.sh: needs root, for chroot and mount" && exit 2; }
command -v debootstrap >/dev/null || { echo "bare_machine.sh: apt-get install debootstrap" && exit 66; }
mkdir -p "$1"
place=$(cd "$1" && pwd) || exit 74
mirror=${2:-http://deb.debian.org/debian}
source=$(git -C "$(dirname "$0")" rev-parse --show-toplevel) || exit 66
machine=$place/machine

unmount() {
  awk -v under="$machine/" 'index($2, under) == 1 { print $2 }' /proc/mounts | sort -r | while read -r at; do
    umount "$at" || umount -l "$at"
  done
}

# Debian's own sources only; other vendors' would bring other packages along.
copy_network_settings() {
  cp /etc/resolv.conf /etc/hosts "$machine/etc/"
  echo "bare" >"$machine/etc/hostname"
  grep -ihE '^Acquire::(https?|ftp)::' /etc/apt/apt.conf /etc/apt/apt.conf.d/* 2>/dev/null \
    >"$machine/etc/apt/apt.conf.d/80host-proxy"
  mkdir -p "$machine/usr/local/share/ca-certificates"
  cp /usr/local/share/ca-certificates/*.crt "$machine/usr/local/share/ca-certificates/" 2>/dev/null
  cat >"$machine/etc/apt/sources.list" <<END
deb $mirror bookworm main
deb $mirror bookworm-updates main
deb ${mirror%/debian*}/debian-security bookworm-security main
END
}

make_machine() {
  if [ ! -f "$place/base.done" ]; then
    rm -rf "$place/base"
    debootstrap --variant=minbase bookworm "$place/base" "$mirror" >"$place/debootstrap.log" 2>&1 ||
      { tail "$place/debootstrap.log" && exit 1; }
    : >"$place/base.done"
  fi
  unmount
  ! grep -qF " $machine/" /proc/mounts || { echo "still mounted below $machine" && exit 74; } # /dev is the host's
  rm -rf --one-file-system "$machine" && cp -a "$place/base" "$machine" || exit 74
  copy_network_settings
  mount -t proc proc "$machine/proc" && mount -t sysfs sysfs "$machine/sys" &&
    mount --rbind /dev "$machine/dev" && mount --make-rslave "$machine/dev" || exit 74
  git clone -q --no-local "$source" "$machine/root/batchlab" || exit 74
  if [ -n "${BARE_DATA-}" ]; then
    mkdir -p "$machine/data" && mount --bind -o ro "$BARE_DATA" "$machine/data"
  fi
}

# Runs a command of the clone on the machine, with nothing of the host's environment but a proxy.
run() { # name, command
  begin=$(date +%s)
  chroot "$machine" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
    ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
    ${BARE_DATA:+BATCHLAB_DATA=/data} sh -c "cd /root/batchlab && $2" \
    >"$place/$1.log" 2>"$place/$1.err.log" </dev/null
  code=$?
  echo "$1: exit code $code after $(($(date +%s) - begin)) s: $(tail -n 1 "$place/$1.log")"
  [ $code -eq 0 ] && return
  failed=yes
  tail -n 20 "$place/$1.log" "$place/$1.err.log"
}

failed=no
trap unmount EXIT
make_machine
echo "machine: $(chroot "$machine" dpkg-query -W | wc -l) packages, commit $(git -C "$source" rev-parse --short HEAD)"
for step in ${BARE_STEPS:-demo again test}; do
  case $step in
  demo)
    run demo './batchlab demo'
    report=$(tail -n 1 "$place/demo.log")
    [ -f "$machine/root/batchlab/$report" ] || { echo "demo: the last line names no file" && failed=yes; }
    ;;
  again) run again './batchlab demo' ;;
  test) run test .ci/run ;;
  *) run "${step%% *}" "./batchlab $step" ;;
  esac
done
echo "machine: $(chroot "$machine" dpkg-query -W | wc -l) packages, $(du -sxh "$machine" | cut -f1)"
[ $failed = no ]
