/* Internal to lab/comm: the MPI handle behind a Comm. */
#ifndef LAB_COMM_MPI_H
#define LAB_COMM_MPI_H

#include "lab/comm/comm.h"

#include <mpi.h>

MPI_Comm comm_handle(const Comm *comm);

/* The ranks of the group that share this one's host, in the group's order. */
MPI_Comm comm_local_handle(const Comm *comm);

#endif
