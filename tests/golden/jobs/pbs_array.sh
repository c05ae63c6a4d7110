#!/bin/bash
#PBS -N batchlab-smoke
#PBS -l select=1:ncpus=2:mpiprocs=2:ompthreads=1:mem=256mb
#PBS -l walltime=02:00:00
#PBS -r y
#PBS -j oe
#PBS -J 0-11

# smoke: 2 ranks x 1 threads; made by `batchlab submit --target pbs`
cd "$PBS_O_WORKDIR" || exit 1
timeout --signal=USR1 --kill-after=120 --preserve-status 7080 \
  mpirun --hostfile "$PBS_NODEFILE" -n 2 --map-by slot:PE=1 --bind-to core --mca odls_base_sigkill_timeout 16 \
  /opt/batchlab/bin/batchlab run experiments/smoke.json --results results --config 57f7de086d9a48c9146d801eb1b1da77bb8e0442ba942ea8f8959b6200b3ab7f --share "${PBS_ARRAY_INDEX:-0}/12"
code=$?
if [ "$code" -eq 85 ]; then
  echo "$PBS_JOBNAME: out of time; queued again" >&2
  qrerun "$PBS_JOBID"
fi
exit "$code"
