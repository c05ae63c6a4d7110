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
  /opt/batchlab/bin/batchlab run experiments/smoke.json --results results --config bb47b6d4b57403d93e73235599341036a825f378a0013f40a50e2e56a87091ad --share "${PBS_ARRAY_INDEX:-0}/12"
code=$?
if [ "$code" -eq 85 ]; then
  echo "$PBS_JOBNAME: out of time; queued again" >&2
  qrerun "$PBS_JOBID"
fi
exit "$code"
