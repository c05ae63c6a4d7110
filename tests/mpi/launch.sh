#!/bin/sh
# launch.sh RANKS PROGRAM [ARG ...]: the program under that many local ranks, oversubscribed where needed.
ranks=$1
shift
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1
export OMP_WAIT_POLICY=passive # more threads than cores: waiting must not take a core
exec mpirun -n "$ranks" --bind-to none "$@"
