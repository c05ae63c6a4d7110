/* Internal to lab/sweep: the row behind a dotted name. */
#ifndef LAB_SWEEP_SETTING_H
#define LAB_SWEEP_SETTING_H

#include "lab/train/trial.h"

/* The row of the setting `name` (dotted, below trial) in the kinds that `settings` has; NULL: there
 * is none of that name, or it is no row. */
const Param *setting_row(const TrialSettings *settings, const char *name);

#endif
