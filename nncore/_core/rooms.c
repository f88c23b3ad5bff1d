#include "rooms.h"

#include <stdatomic.h>
#include <stdlib.h>

/* Sizes of rooms are powers of two, so that a room that was given back serves any program of about its size. */
#define SMALLEST 12 /* 4 kB */
#define LARGEST 40  /* 1 TB, of which few pages are written */

/* Most rooms of a size that are kept for later runs: as many as run at once in most programs. Of large sizes only one, since it may hold
 * much memory. */
#define MOST_KEPT 8
#define LARGE 24 /* 16 MB */

#define LINE 64

/* The header of a room, in the cache line before it. */
typedef struct head {
    void *allocated;
    int32_t size; /* its power of two */
} head;

/* Rooms that are not in use. A slot is emptied or filled by one atomic exchange. So there is no lock, which threads would wait for, or
 * which a fork could leave locked. */
static _Atomic(void *) kept[LARGEST + 1][MOST_KEPT];

static int most_kept(int32_t size) { return size < LARGE ? MOST_KEPT : 1; }

void *nnc_take_room(int64_t n_bytes) {
    int32_t size = SMALLEST;
    while (size < LARGEST && ((int64_t)1 << size) < n_bytes) size++;
    if (((int64_t)1 << size) < n_bytes) return NULL;
    for (int i = 0; i < most_kept(size); i++) {
        if (atomic_load_explicit(&kept[size][i], memory_order_relaxed) == NULL) continue;
        void *room = atomic_exchange_explicit(&kept[size][i], NULL, memory_order_acquire);
        if (room != NULL) return room;
    }
    char *allocated = malloc(((size_t)1 << size) + 2 * LINE);
    if (allocated == NULL) return NULL;
    char *room = allocated + 2 * LINE - (uintptr_t)allocated % LINE;
    *(head *)(room - LINE) = (head){allocated, size};
    return room;
}

void nnc_give_room(void *room) {
    if (room == NULL) return;
    const head *own = (const head *)((char *)room - LINE);
    for (int i = 0; i < most_kept(own->size); i++) {
        void *none = NULL;
        if (atomic_load_explicit(&kept[own->size][i], memory_order_relaxed) == NULL &&
            atomic_compare_exchange_strong_explicit(&kept[own->size][i], &none, room, memory_order_release, memory_order_relaxed))
            return;
    }
    free(own->allocated);
}
