#!/bin/sh
# lan.sh HOSTS RATE COMMAND [ARG ...]: several hosts on this machine. Makes HOSTS network namespaces on one bridge, each with
# a link of RATE (as tc writes it: 1gbit, 100mbit), runs COMMAND inside the first with Open MPI told how to reach the others
# (host names 10.77.0.1, 10.77.0.2, ... in $LAN_HOSTS; slots as mpirun is told), and cleans up. Exit 77 where that cannot be
# done: needs root, iproute2, and namespaces in the kernel.
hosts=$1 rate=$2
shift 2
skip() {
  echo "skipped: $1"
  exit 77
}
[ "$(id -u)" -eq 0 ] || skip "network namespaces need root"
if ! command -v ip >/dev/null || ! command -v tc >/dev/null; then skip "iproute2 is not installed"; fi

tag=bl$$
work=$(mktemp -d) || exit 1
ours() { ip netns list | cut -d' ' -f1 | grep "^${tag}[0-9]*\$"; }
clean() {
  for pid in $(ours | xargs -r -n 1 ip netns pids); do
    kill -KILL "$pid" 2>/dev/null
  done
  for name in $(ours); do
    ip netns del "$name"
  done
  ip link del "$tag" 2>/dev/null
  rm -rf "$work"
}
trap clean EXIT
trap 'exit 130' INT TERM

ip link add "$tag" type bridge 2>/dev/null || skip "the kernel makes no bridge"
ip link set "$tag" up
names=
for i in $(seq "$hosts"); do
  ip netns add "$tag$i" || skip "the kernel makes no network namespace"
  ip link add "${tag}v$i" type veth peer name eth0 netns "$tag$i"
  ip link set "${tag}v$i" master "$tag"
  ip link set "${tag}v$i" up
  ip -n "$tag$i" addr add "10.77.0.$i/24" dev eth0
  ip -n "$tag$i" link set eth0 up
  ip -n "$tag$i" link set lo up
  # both ways: what leaves the host, and what the switch sends to it
  ip netns exec "$tag$i" tc qdisc add dev eth0 root tbf rate "$rate" burst 64kb latency 50ms || skip "the kernel limits no rate"
  tc qdisc add dev "${tag}v$i" root tbf rate "$rate" burst 64kb latency 50ms
  names="$names 10.77.0.$i"
done

# What mpirun starts instead of ssh: options are dropped, the host's last number says which namespace. Each has a host name
# of its own, or Open MPI takes them for one host.
cat >"$work/agent" <<AGENT
#!/bin/sh
while [ "\${1#-}" != "\$1" ]; do shift; done
host=\$1
shift
exec ip netns exec "$tag\${host##*.}" unshare --uts sh -c "hostname lan\${host##*.}; \$*"
AGENT
chmod +x "$work/agent"

export LAN_HOSTS="${names# }"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_plm_rsh_agent="$work/agent"
export OMPI_MCA_btl=vader,tcp,self OMPI_MCA_btl_tcp_if_include=10.77.0.0/24 OMPI_MCA_oob_tcp_if_include=10.77.0.0/24
export OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_hwloc_base_binding_policy=none OMPI_MCA_orte_keep_fqdn_hostnames=1
# shellcheck disable=SC2016 # expanded inside
ip netns exec "${tag}1" unshare --uts sh -c 'hostname lan1; "$@"' lan "$@"
