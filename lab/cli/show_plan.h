#ifndef LAB_CLI_SHOW_PLAN_H
#define LAB_CLI_SHOW_PLAN_H

#include "lab/sweep/plan.h"

/* Estimates and prints a plan on stdout, as JSON when `json` is not NULL. */
Error *show_plan(const Plan *plan, const char *json, Arena *arena);

#endif
