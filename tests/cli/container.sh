#!/bin/sh
# The Dockerfile without Docker. Always: every library that the program needs comes with the packages of its second stage,
# and what emitted jobs call is in it. With BATCHLAB_CONTAINER=FOLDER (root, debootstrap; a few minutes): its steps are carried out
# in a Debian bookworm of its own there, and a job of two sshd "hosts" runs in it as the image's user.
root=${BATCHLAB_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
binary=${BATCHLAB_BINARY:-$root/build/release/batchlab}
build=${BATCHLAB_BUILD:-$(dirname "$binary")}
grep -q 'VERSION_CODENAME=bookworm' /etc/os-release 2>/dev/null || { echo "skipped: this is not Debian bookworm" && exit 77; }
work=$(mktemp -d) || exit 1
place=${BATCHLAB_CONTAINER-}
clean() {
  rm -rf "$work"
  [ -z "$place" ] || umount "$place/root/proc" 2>/dev/null
}
trap clean EXIT
fail() {
  echo "FAILED: $*"
  exit 1
}

# Instructions, one a line, of the stage that begins with the given FROM.
stage() { # pattern
  sed -e ':more' -e '/\\$/{N;s/ *\\\n */ /;b more' -e '}' "$root/Dockerfile" | grep -v '^#' |
    awk -v from="$1" '/^FROM/ { on = $0 ~ from } on'
}
stage 'slim$' >"$work/stage"
packages=$(sed -n 's/.*--no-install-recommends \(.*\) && rm .*/\1/p' "$work/stage")
[ -n "$packages" ] || fail "the second stage installs nothing"

# ---- libraries
installed_by() { # the file's package, whose list may name it without /usr
  file=$(readlink -f "$1")
  { dpkg-query -S "$file" || dpkg-query -S "${file#/usr}"; } 2>/dev/null | head -n 1 | cut -d: -f1
}
objdump -p "$binary" | awk '/NEEDED/ { print $2 }' >"$work/needed"
ldd "$binary" >"$work/ldd"
while read -r name; do
  path=$(awk -v name="$name" '$1 == name { print $3 }' "$work/ldd")
  package=$(installed_by "$path")
  case " $packages libc6 " in
  *" $package "*) ;;
  *) [ "$(apt-cache show "$package" 2>/dev/null | sed -n 's/^Priority: //p' | head -n 1)" = required ] ||
    fail "$name is in '$package', which the image does not install" ;;
  esac
done <"$work/needed"
for word in mpirun:openmpi-bin /usr/sbin/sshd:openssh-server ssh:openssh-client bash:bash; do
  case " $packages " in *" ${word##*:} "*) ;; *) fail "jobs call ${word%%:*}, but the image has no ${word##*:}" ;; esac
done
for word in lab/sweep/batchlab-ranks lab/sweep/specs experiments; do
  grep -q "$word" "$build/cmake_install.cmake" || fail "$word is not installed"
done
echo "$(wc -w <"$work/needed") libraries, $(echo "$packages" | wc -w) packages"
[ -n "$place" ] || { echo "BATCHLAB_CONTAINER=FOLDER makes the image's content in a chroot there" && exit 0; }

# ---- in a root of its own
[ "$(id -u)" -eq 0 ] && command -v debootstrap >/dev/null || fail "BATCHLAB_CONTAINER needs root and debootstrap"
[ -d "$place/base" ] || debootstrap --variant=minbase bookworm "$place/base" >"$place/debootstrap.log" 2>&1 || fail "debootstrap"
rm -rf --one-file-system "$place/root" && cp -a "$place/base" "$place/root" || fail "cannot copy $place/base"
cp /etc/resolv.conf /etc/hosts "$place/root/etc/"
cp /etc/apt/apt.conf.d/* "$place/root/etc/apt/apt.conf.d/" 2>/dev/null
mkdir -p "$place/root/dev/shm" && chmod 1777 "$place/root/dev/shm" # debootstrap made the nodes; the host's stay its own
mount -t proc proc "$place/root/proc" || fail "cannot mount in a chroot"
user=root folder=/
grep -v '^FROM' "$work/stage" | while read -r word rest; do
  case $word in
  RUN) printf 'set -e\nexport DEBIAN_FRONTEND=noninteractive HOME=%s USER=%s\ncd %s\n%s\n' "$([ $user = root ] && echo /root || echo /home/$user)" $user $folder "$rest" >"$place/root/step"
    chroot --userspec=$user "$place/root" sh /step >"$place/step.log" 2>&1 || { tail -n 5 "$place/step.log" && exit 1; } ;;
  COPY) DESTDIR="$place/root" cmake --install "$build" --prefix /usr/local >"$place/step.log" 2>&1 || exit 1 ;;
  USER) user=$rest ;;
  WORKDIR) folder=$rest ;;
  esac
done || fail "a step of the Dockerfile; see $place/step.log"
cat >"$place/root/job" <<'JOB'
export HOME=/home/mpiuser PATH=/usr/local/bin:/usr/bin:/bin BATCHLAB_RANKS_FOLDER=/tmp/ranks
cd /tmp
export CLUSTER_SPEC='{"cluster": {"workerpool0": ["127.0.0.1:2222"], "workerpool1": ["127.0.0.2:2222"]}, "task": {"type": "workerpool1", "index": 0}}'
batchlab-ranks vertex 1 1 300 true & # the second host serves
export CLUSTER_SPEC="$(echo "$CLUSTER_SPEC" | sed 's/"type": "workerpool1"/"type": "workerpool0"/')"
batchlab-ranks vertex 1 1 300 batchlab run /usr/local/share/batchlab/experiments/smoke.json --results /results
code=$?
wait
exit $code
JOB
chroot --userspec=mpiuser "$place/root" bash /job >"$place/job.log" 2>&1 || { tail -n 20 "$place/job.log" && fail "the job in the image"; }
[ -s "$place/root/results/smoke/report.html" ] || fail "the job in the image makes no report"
"$binary" run "$root/experiments/smoke.json" --results "$work/plain" >"$work/out" 2>"$work/err" || fail "the plain run"
for folder in "$work/plain" "$place/root/results"; do
  "$binary" export --json "$folder/smoke" | grep -E '"(run_id|trajectory_sha256)"' >"$work/facts.$(basename "$(dirname "$folder")")"
done
cmp -s "$work"/facts.* || fail "the image makes other digests"
echo "two hosts in the image's root: the digests of a plain run"
