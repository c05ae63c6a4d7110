#!/bin/bash
#SBATCH --job-name=batchlab-smoke
#SBATCH --nodes=2
#SBATCH --ntasks=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=1
#SBATCH --mem=256M
#SBATCH --time=0-02:00:00
#SBATCH --signal=B:USR1@300
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --array=0-3
#SBATCH --output=%x-%A_%a.log

# smoke: 2 ranks x 1 threads; made by `batchlab submit --target slurm`
launcher='' asked=''
pass_on() { [ -z "$launcher" ] || kill -USR1 "$launcher" 2>/dev/null; }
trap pass_on TERM
trap 'asked=yes; pass_on' USR1
command=(/opt/batchlab/bin/batchlab run experiments/smoke.json --results results --config 57f7de086d9a48c9146d801eb1b1da77bb8e0442ba942ea8f8959b6200b3ab7f --share "$SLURM_ARRAY_TASK_ID/4")
export SRUN_CPUS_PER_TASK="$SLURM_CPUS_PER_TASK"
if srun --mpi=list 2>&1 | grep -qw pmix; then
  srun --mpi=pmix --cpu-bind=cores "${command[@]}" &
else
  mpirun -n 2 --map-by slot:PE=1 --bind-to core --mca odls_base_sigkill_timeout 38 "${command[@]}" &
fi
launcher=$!
wait "$launcher"
code=$?
while [ "$code" -gt 128 ] && kill -0 "$launcher" 2>/dev/null; do # a trap
  wait "$launcher"
  code=$?
done
if [ -n "$asked" ] && { [ "$code" -eq 85 ] || [ "$code" -gt 128 ]; }; then
  echo "$SLURM_JOB_NAME: out of time; queued again" >&2
  scontrol requeue "${SLURM_ARRAY_JOB_ID:+${SLURM_ARRAY_JOB_ID}_}${SLURM_ARRAY_TASK_ID:-$SLURM_JOB_ID}"
fi
exit "$code"
