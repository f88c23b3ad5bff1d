/* Processes that train one network together. Each has the whole network and sees all data. Processes share a run as threads do. Each takes
 * some rows of a batch through the ops. Then it computes the gradients of a range of the parameters, and updates them. Where processes
 * meet, they gather what one has written and others are about to read. So every sum is added up in one place, as in a run of one process.
 * What mixes rows, or needs all gradients, every process computes by itself, with the same bits.
 *
 * If a batch has shards, the rows of a process are those of a branch of their tree. The process sums these, and processes exchange the
 * sums of branches: the loss and batch_sums of layers in meetings, gradients with the processes that have their range. */
#ifndef NNCORE_RANKS_H
#define NNCORE_RANKS_H

#include "runner.h"

/* What was written since the last meeting, and is read by other processes. */
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
    int64_t sum_bytes;  /* bytes that each process brings, at its place in `sums`, where sums are taken by shards */
} nnc_meeting;

/* Contiguous items in memory, of which each process has a stretch. */
typedef struct nnc_strip {
    char *place;
    int64_t item_bytes;
    char *dealt; /* the sums of this process's stretch by each branch, one after the other: nnc_deal */
} nnc_strip;

typedef struct nnc_ranks {
    int32_t rank, size;
    int32_t is_broken; /* `gather` or `deal` has failed: no further exchange */
    /* Gathers the parts of all processes in `room`; they end at `ends` (size,). Returns nonzero if it fails. */
    int32_t (*gather)(void *context, char *room, const int64_t *ends);
    /* Sends each process its part of `sent`, and receives one from each in `received`. Parts end at `sent_ends` (size,) and
     * `received_ends` (size,). Returns nonzero if it fails. */
    int32_t (*deal)(void *context, char *sent, const int64_t *sent_ends, char *received, const int64_t *received_ends);
    void *context;
    char *sums; /* (size, the bytes of the largest meeting of sums) */
    char *room; /* this and the next pointers are allocated when needed */
    int64_t room_bytes;
    nnc_strip *strips;
    int64_t *begins; /* (n_strips, size + 1) where each process begins, in items */
    int64_t *ends;   /* (2, size) */
    int64_t n_strips, most_strips;
} nnc_ranks;

/* Marks which results of each task of a run other processes read. It comes before the first meeting. */
void nnc_mark_shared(const nnc_program *program, int64_t n_tasks);

/* Gathers what a meeting shares, and returns the largest verdict of all processes. One thread of each process calls it. */
int64_t nnc_exchange(nnc_ranks *ranks, const nnc_program *program, const nnc_meeting *meeting, int64_t verdict);

/* Sends each process its range of the gradients that branches have summed, and its share of tied ones. `dealt` of the strips, in this
 * order, points to them until the next meeting. One thread of each process calls it. */
int64_t nnc_deal(nnc_ranks *ranks, const nnc_program *program);

#endif
