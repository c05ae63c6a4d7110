#include "lab/cli/kinds.h"

#include "lab/comm/collective.h"
#include "lab/comm/compression.h"
#include "lab/data/dataset.h"
#include "lab/nn/model.h"
#include "lab/sweep/algorithm.h"
#include "lab/sweep/target.h"
#include "lab/train/batch_schedule.h"
#include "optim/optim.h"
#include "optim/schedule.h"

const KindGroup *kind_groups(int *n) {
    static const KindGroup groups[] = {
        {"optimizer", "optimizers", optim_table, OPTIM_N},
        {"schedule", "schedules", schedule_table, SCHEDULE_N},
        {"scaling", "scalings", scaling_table, SCALING_N},
        {"batch schedule", "batch_schedules", batch_schedule_table, BATCH_SCHEDULE_N},
        {"compression", "compressions", compression_table, COMPRESSION_N},
        {"model", "models", model_table, MODEL_N},
        {"dataset", "datasets", dataset_table, DATASET_N},
        {"collective", "collectives", collective_table, COLLECTIVE_N},
        {"algorithm", "algorithms", search_table, SEARCH_N},
        {"target", "targets", target_table, TARGET_N},
        {"command", "commands", command_table, COMMAND_N},
    };
    *n = sizeof groups / sizeof *groups;
    return groups;
}
