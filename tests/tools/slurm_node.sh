#!/bin/sh
# slurm_node.sh FOLDER COMMAND [ARG ...]: a Slurm cluster of this machine alone. Starts slurmctld and slurmd with everything
# they write in FOLDER, runs COMMAND with SLURM_CONF set, and stops them. Exit 77 where that cannot be done: needs root and
# Debian's slurmctld, slurmd, slurm-client, slurm-wlm-basic-plugins; munge signs messages where it is installed.
folder=$1
shift
skip() {
  echo "skipped: $1"
  exit 77
}
[ "$(id -u)" -eq 0 ] || skip "a Slurm node of our own needs root"
for program in slurmctld slurmd sbatch srun; do
  command -v $program >/dev/null || skip "$program is not installed (apt-get install slurmctld slurmd slurm-client slurm-wlm-basic-plugins munge)"
done
mkdir -p "$folder/ctld" "$folder/slurmd" && chmod 755 "$folder" || exit 1
host=$(hostname -s)
port=$((20000 + $$ % 20000))
auth=auth/none cred=cred/none info=cred_expire=5
if command -v munged >/dev/null; then
  auth=auth/munge cred=cred/munge info="cred_expire=5,socket=$folder/munge.socket"
  dd if=/dev/urandom of="$folder/munge.key" bs=64 count=1 2>/dev/null
  chmod 600 "$folder/munge.key"
fi
cat >"$folder/slurm.conf" <<CONF
ClusterName=one
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
AuthType=$auth
CredType=$cred
AuthInfo=$info
SlurmctldPort=$port
SlurmdPort=$((port + 1))
StateSaveLocation=$folder/ctld
SlurmdSpoolDir=$folder/slurmd
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
ReturnToService=2
MpiDefault=pmix
KillWait=5
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,sched_interval=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=4 RealMemory=1500
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF="$folder/slurm.conf"
ctld="" slurmd="" munged=""
clean() {
  [ -z "$ctld" ] || scancel --user=root --signal=KILL --full 2>/dev/null
  for pid in $slurmd $ctld $munged; do
    kill "$pid" 2>/dev/null
  done
  wait
}
trap clean EXIT
trap 'exit 130' INT TERM
if [ $auth = auth/munge ]; then
  munged --foreground --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" --pid-file="$folder/munge.pid" \
    --log-file="$folder/munge.log" --seed-file="$folder/munge.seed" >"$folder/munge.out" 2>&1 &
  munged=$!
  sleep 0.3
fi
slurmctld -D >"$folder/ctld.out" 2>&1 &
ctld=$!
slurmd -D >"$folder/slurmd.out" 2>&1 &
slurmd=$!
tries=100
while ! sinfo --noheader --format=%t 2>/dev/null | grep -q idle; do
  tries=$((tries - 1))
  if [ $tries -eq 0 ] || ! kill -0 $ctld 2>/dev/null || ! kill -0 $slurmd 2>/dev/null; then
    tail -n 5 "$folder"/*.log "$folder"/*.out
    skip "slurmctld and slurmd do not come up here"
  fi
  sleep 0.1
done
"$@"
