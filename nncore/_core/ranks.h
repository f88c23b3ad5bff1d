/* Processes that train one network together. Each has the whole network and sees all data. What threads are to a process, processes are to a
 * run: each takes some rows of a batch through the ops, and then computes the gradients of a range of the parameters and updates it. What one
 * has written and others are about to read is gathered where they meet, so that every sum is added up in one place, as ever. What mixes
 * rows, or needs all gradients, every process does by itself, to the same bits.
 *
 * Where a batch has shards, the rows of a process are those of a branch of their tree. It sums these, and sums of branches are what processes
 * bring to each other: the loss and batch_sums of layers to meetings, gradients to those that have their range. */
#ifndef NNCORE_RANKS_H
#define NNCORE_RANKS_H

#include "runner.h"

/* What has been written since the last meeting, and is read by other processes. */
enum {
    NNC_SHARED_ROWS = 1,       /* by the tasks begin .. end - 1, each process in its rows */
    NNC_SHARED_GRADIENTS = 2,  /* each process in its range */
    NNC_SHARED_PARAMETERS = 4, /* likewise */
    NNC_SHARED_TIED = 8,       /* the gradients of ops that use tensors of others, in their own memory */
};

typedef struct nnc_meeting {
    int32_t what;
    int64_t begin, end; /* tasks */
    int64_t n_rows;     /* of the batch */
    void *outputs;      /* (n_rows, n_outputs) where NNC_STORE has put them */
    int64_t sum_bytes;  /* so many each process brings in its place in `sums`, where sums are taken by shards */
} nnc_meeting;

/* Something that lies in memory one after the other, of which each process has a stretch. */
typedef struct nnc_strip {
    char *place;
    int64_t item_bytes;
    char *dealt; /* where the same stretch lies that each branch has summed, one after the other: nnc_deal */
} nnc_strip;

typedef struct nnc_ranks {
    int32_t rank, size;
    int32_t is_broken; /* `gather` has failed: nobody is heard of any more */
    /* Gives every process the stretches of all: `ends` (size,) of theirs in `room`. Nonzero if it cannot. */
    int32_t (*gather)(void *context, char *room, const int64_t *ends);
    /* Gives every process the stretch of what the others have sent that is for it: those for each end at `sent_ends` (size,) in `sent`, and
     * those from each at `received_ends` (size,) in `received`. Nonzero if it cannot. */
    int32_t (*deal)(void *context, char *sent, const int64_t *sent_ends, char *received, const int64_t *received_ends);
    void *context;
    char *sums; /* (size, as many bytes as the largest meeting of sums brings) */
    char *room; /* this and what follows is allocated when needed */
    int64_t room_bytes;
    nnc_strip *strips;
    int64_t *begins; /* (n_strips, size + 1) where each process begins, in items */
    int64_t *ends;   /* (2, size) */
    int64_t n_strips, most_strips;
} nnc_ranks;

/* What a run has to know about its tasks before the first meeting. */
void nnc_mark_shared(const nnc_program *program, int64_t n_tasks);

/* Gathers, and returns the largest verdict that a process has brought; by one thread of each. */
int64_t nnc_exchange(nnc_ranks *ranks, const nnc_program *program, const nnc_meeting *meeting, int64_t verdict);

/* Gives each process its range of the gradients that branches have summed, and its share of tied ones; they lie behind the strips then, in this
 * order, until the next meeting. By one thread of each. */
int64_t nnc_deal(nnc_ranks *ranks, const nnc_program *program);

#endif
