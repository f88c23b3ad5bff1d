/* Memory in which a run works and keeps nothing, shared by all programs of the process: a run takes a room and gives it back. */
#ifndef NNCORE_ROOMS_H
#define NNCORE_ROOMS_H

#include <stdint.h>

/* So many bytes of anything, from a cache line on; NULL if there is no such memory. Its pages take none before they are written. */
void *nnc_take_room(int64_t n_bytes);

/* `room` may be NULL. */
void nnc_give_room(void *room);

#endif
