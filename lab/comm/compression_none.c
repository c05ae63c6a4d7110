#include "lab/comm/compression.h"

COMPRESSION_TYPE(none) = {
    .kind = {.name = "none",
             .summary = "whole gradients: the workers have no state of their own",
             .detail = "The sum over shards is the same for any number of workers and replicas."},
};
