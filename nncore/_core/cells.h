/* Cells of text: cutting lines into them, what number each is, and which are equal. Texts are UTF-8. */

#ifndef NNC_CELLS_H
#define NNC_CELLS_H

#include <stdbool.h>
#include <stdint.h>

/* Some of a text: `n` cells, of which cell i is data[begins[i]] up to data[ends[i]]. */
typedef struct {
    const char *data;
    const int32_t *begins, *ends;
    int64_t n;
} nnc_cells;

/* How a number was written, so that its text can be had back: D + 32·dot + 64·(delta + 512).
   D: digits behind the point. dot: .5 instead of 0.5. delta: the digits as a whole number, less those of the float64 with D decimals. */
enum { NNC_MISSING = 0xfffe, NNC_ODD = 0xffff };

/* What `nnc_read_number` says beside that. */
typedef enum { NNC_IS_NUMBER, NNC_IS_WORD, NNC_IS_LONG } nnc_kind;

/* Distinct texts, one behind the other, in the order in which they first came up. */
typedef struct {
    uint64_t secrets[2];
    char *texts;
    int64_t size, room;
    int64_t *ends; /* of each text in `texts` */
    uint32_t *hashes;
    int64_t n, n_room;
    int32_t *slots; /* number of a text + 1, or 0 */
    uint32_t mask;
} nnc_distinct;

/* Cuts lines into cells, column by column: cell (row, column) has the number column·n_rows + row. Cells are without quotes and without the
   blanks that Python's `str.strip` removes. `data` is followed by a zero byte and holds no other; doubled quotes become one in place.
   False if there are not n_rows lines of `width` cells, a quoted cell goes over a line's end or has something behind its quotes, or a line
   has no character at all. */
bool nnc_cut(char *data, int64_t size, char separator, int64_t width, int64_t n_rows, int32_t *begins, int32_t *ends);

/* Takes the blanks off cells. */
void nnc_strip(const char *data, int32_t *begins, int32_t *ends, int64_t n);

/* Reads `text` of `size` bytes as a finite number in ASCII digits: correctly rounded. `form` is NNC_ODD if the text cannot be had back from
   it. NNC_IS_LONG: it is a number, but of more digits or a greater exponent than are read here; nothing is written. */
nnc_kind nnc_read_number(const char *text, int64_t size, double *number, uint16_t *form);

/* The number of each cell's text among the distinct ones, which learn new ones; -1 for an empty cell. False if memory ran out. */
bool nnc_distinct_add(nnc_distinct *distinct, const nnc_cells *cells, int32_t *codes);

void nnc_distinct_free(nnc_distinct *distinct);

#endif
