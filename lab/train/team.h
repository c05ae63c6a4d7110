/* Internal to lab/train: the replicas of one host that take a step's last stages together. Weights,
 * slots and the mean gradient stand once in memory that they share; each scales, clips and updates
 * its own part of them, in whole chunks, so the bits are those of one replica that does it all
 * (notebooks/design/0029). */
#ifndef LAB_TRAIN_TEAM_H
#define LAB_TRAIN_TEAM_H

#include "lab/train/state.h"

/* *Collective*, after a resume: forms a team where the ranks of a host share their sums and every
 * shard's gradient goes into one update; otherwise, and without room, everything stays as it is. */
Error *team_new(Trainer *trainer);
/* *Collective* over the team (NULL: nobody): what any of them wrote before is seen by all. */
void team_wait(Team *team);
void team_end(Team *team); /* *Collective* over the team; NULL is allowed */

#endif
