/* A pool of working memory for all programs of the process. A run takes a room, keeps nothing in it, and gives it back. */
#ifndef NNCORE_ROOMS_H
#define NNCORE_ROOMS_H

#include <stdint.h>

/* A room of at least n_bytes, at the start of a cache line, with any content; NULL if there is no memory. Pages take no memory before
 * they are written. */
void *nnc_take_room(int64_t n_bytes);

/* `room` may be NULL. */
void nnc_give_room(void *room);

#endif
