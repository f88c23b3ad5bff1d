/* A crew: workers that do jobs, and a dispatcher that gives them out, handles finished ones, and does jobs itself in between.
 *
 * A crew is a team (threads.h) whose part 0 is the dispatcher. It may have no other members; the dispatcher then does everything.
 * Members wait like those of a team: they spin for a while, and then sleep. */
#ifndef NNCORE_CREW_H
#define NNCORE_CREW_H

#include <stdatomic.h>
#include <stdint.h>

typedef struct nnc_crew nnc_crew;

/* A flag: not 0 once a job must end early, after the current step. */
typedef const _Atomic int32_t *nnc_stop;

/* Work that one thread does without Python. */
typedef struct nnc_job {
    struct nnc_job *next;
    void (*work)(struct nnc_job *self, nnc_stop stop);
    void *owner;    /* the dispatcher's */
    double seconds; /* how long the work took */
} nnc_job;

/* The functions of a crew. Except for `open` and `close`, only the dispatcher may call them: the thread that calls `run`. */
typedef struct nnc_crews {
    nnc_crew *(*open)(void); /* NULL if there is no memory */
    void (*close)(nnc_crew *crew);

    /* Forms a crew of at most n_members threads, this one included, and runs dispatch(context) in this one. When that returns, all jobs
     * that were given out must be done. */
    void (*run)(nnc_crew *crew, int32_t n_members, void (*dispatch)(void *context), void *context);

    /* Members other than the dispatcher. */
    int32_t (*n_workers)(nnc_crew *crew);

    /* Queues a job for the next free worker. */
    void (*give)(nnc_crew *crew, nnc_job *job);
    /* Takes back a job that nobody has begun, for the dispatcher to do; NULL if there is none. */
    nnc_job *(*take_back)(nnc_crew *crew);
    /* Does a job in this thread. It ends early as soon as a worker is idle while finished jobs wait for the dispatcher. */
    void (*work)(nnc_crew *crew, nnc_job *job);
    /* Takes a job that a worker has finished; NULL if there is none. */
    nnc_job *(*done)(nnc_crew *crew);
    /* Waits for a finished job, but only for a while (WHILE_MS in system.h), so that Python can look for signals. */
    void (*wait)(nnc_crew *crew);

    /* Lets at most n_workers workers stay. Others leave when they are free, and may join other teams. */
    void (*keep)(nnc_crew *crew, int32_t n_workers);

    /* Ends jobs early, and waits until no worker does one. Workers begin none until `resume`. */
    void (*pause)(nnc_crew *crew);
    void (*resume)(nnc_crew *crew);
    /* For the child of a fork, in which only the dispatcher lives on. The crew must be paused. */
    void (*forget_workers)(nnc_crew *crew);
} nnc_crews;

extern const nnc_crews nnc_crew_functions;

#endif
