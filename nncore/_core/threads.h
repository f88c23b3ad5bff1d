/* A pool of threads, and teams of them that run one function together and meet at barriers.
 *
 * Threads are started when they are first needed, and then kept asleep. A team gets idle threads, up to the number it asks for, and
 * perhaps none. So its results must not depend on how many it got. After a fork the child begins with an empty pool. */
#ifndef NNCORE_THREADS_H
#define NNCORE_THREADS_H

#include <stdint.h>

typedef struct nnc_team nnc_team;

/* What every member of a team runs; the caller of nnc_run_team is part 0. Parts after 0 must not touch Python. */
typedef void (*nnc_team_function)(nnc_team *team, int32_t part, int32_t n_parts, void *context);

/* Runs the function on at most n_parts threads, this one included; returns when all have returned. */
void nnc_run_team(int32_t n_parts, nnc_team_function function, void *context);

/* A barrier: waits until every member of the team has come here. All get the largest `verdict` that one of them brought. */
int64_t nnc_meet(nnc_team *team, int64_t verdict);

/* The number of processors that this process is bound to. 0 if it is not bound, or if the system tells it in another way. */
int32_t nnc_bound_processors(void);

#endif
