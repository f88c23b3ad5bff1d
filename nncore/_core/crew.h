/* A crew: threads that do jobs, and one thread that gives them out, looks after what is done, and does jobs itself in between.
 *
 * A crew is a team (threads.h) whose part 0 is the dispatcher, so that it may have no other members at all: the dispatcher then does everything.
 * Members wait like those of a team: they look for a while, and then sleep. */
#ifndef NNCORE_CREW_H
#define NNCORE_CREW_H

#include <stdatomic.h>
#include <stdint.h>

typedef struct nnc_crew nnc_crew;

/* Not 0 once a job is to end early, after the step under way. */
typedef const _Atomic int32_t *nnc_stop;

/* What one thread does without Python, as a part of something larger. */
typedef struct nnc_job {
    struct nnc_job *next;
    void (*work)(struct nnc_job *self, nnc_stop stop);
    void *owner;    /* for the dispatcher */
    double seconds; /* that the work took */
} nnc_job;

/* The functions of a crew. But for `open` and `close`, they are for the dispatcher, which is the thread that called `run`. */
typedef struct nnc_crews {
    nnc_crew *(*open)(void); /* NULL if there is no memory */
    void (*close)(nnc_crew *crew);

    /* Gets at most n_members threads together, this one included, and runs dispatch(context) in this one. All that was given out must be
     * done when that returns. */
    void (*run)(nnc_crew *crew, int32_t n_members, void (*dispatch)(void *context), void *context);

    /* Members beside the dispatcher. */
    int32_t (*n_workers)(nnc_crew *crew);

    /* Let whoever is free do a job. */
    void (*give)(nnc_crew *crew, nnc_job *job);
    /* A job that nobody has begun, for the dispatcher to do by itself; NULL for none. */
    nnc_job *(*take_back)(nnc_crew *crew);
    /* Does a job in this thread. It is ended early as soon as a member has nothing to do while what is done waits for the dispatcher. */
    void (*work)(nnc_crew *crew, nnc_job *job);
    /* A job that a member has done; NULL for none. */
    nnc_job *(*done)(nnc_crew *crew);
    /* Waits until there is one, but no longer than a while, after which Python looks for signals. */
    void (*wait)(nnc_crew *crew);

    /* Let at most so many workers stay; others leave when they are free, and may be hired for teams. */
    void (*keep)(nnc_crew *crew, int32_t n_workers);

    /* Ends jobs early and waits until no member does one; they begin none until `resume`. */
    void (*pause)(nnc_crew *crew);
    void (*resume)(nnc_crew *crew);
    /* In the child of a fork, in which only the dispatcher lives on: by it, with the crew paused. */
    void (*forget_workers)(nnc_crew *crew);
} nnc_crews;

extern const nnc_crews nnc_crew_functions;

#endif
