/* Cells of text files: cuts lines into cells, reads numbers, and numbers distinct texts. Texts are UTF-8. */

#ifndef NNC_CELLS_H
#define NNC_CELLS_H

#include <stdbool.h>
#include <stdint.h>

/* Cells of a text: cell i of `n` begins at data[begins[i]], and ends before data[ends[i]]. */
typedef struct {
    const char *data;
    const int32_t *begins, *ends;
    int64_t n;
} nnc_cells;

/* The form of a number's text, from which the text can be restored: D + 32·dot + 64·(delta + 512).
 *
 * D: number of decimals. dot: the text is like .5, not 0.5. delta: the digits as an integer, minus those of the float64 written with D
 * decimals. NNC_MISSING: an empty cell. NNC_ODD: the text cannot be restored. */
enum { NNC_MISSING = 0xfffe, NNC_ODD = 0xffff };

/* The result of nnc_read_number. */
typedef enum { NNC_IS_NUMBER, NNC_IS_WORD, NNC_IS_LONG } nnc_kind;

/* A hash table of distinct texts. They are stored one after the other, in the order in which they first occurred. */
typedef struct {
    uint64_t secrets[2];
    char *texts;
    int64_t size, room;
    int64_t *ends; /* of each text in `texts` */
    uint32_t *hashes;
    int64_t n, n_room;
    int32_t *slots; /* number of a text + 1, or 0 for a free slot */
    uint32_t mask;
} nnc_distinct;

/* Cuts lines into cells: cell (row, column) has number column·n_rows + row. Cells come without quotes, and without the blanks that
 * Python's `str.strip` removes. `data` is followed by a zero byte and holds no other; doubled quotes become one in place. Returns false
 * if there are not n_rows lines of `width` cells, a quoted cell spans lines or has something behind its quotes, or a line is empty. */
bool nnc_cut(char *data, int64_t size, char separator, int64_t width, int64_t n_rows, int32_t *begins, int32_t *ends);

/* Strips blanks from cells. */
void nnc_strip(const char *data, int32_t *begins, int32_t *ends, int64_t n);

/* Reads `text` of `size` bytes as a finite number in ASCII digits, correctly rounded. `form` is NNC_ODD if the text cannot be restored.
 * NNC_IS_LONG: a number with more digits or a larger exponent than this function reads; it writes nothing. */
nnc_kind nnc_read_number(const char *text, int64_t size, double *number, uint16_t *form);

/* Writes the code of each cell: the number of its text among the distinct ones, or -1 for an empty cell. New texts are added. Returns
 * false if memory ran out. */
bool nnc_distinct_add(nnc_distinct *distinct, const nnc_cells *cells, int32_t *codes);

void nnc_distinct_free(nnc_distinct *distinct);

#endif
