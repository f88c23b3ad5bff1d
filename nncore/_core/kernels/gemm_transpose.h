/* Transposes a square of a matrix in registers, for the type T. Include after vector.h. */

/* to (k, LANES) = from (n, k) transposed, followed by zeros; n and k are 1 .. LANES, and constants where speed counts. */
NNC_INLINE void F(transpose)(int64_t n, int64_t k, const T *from, int64_t from_row, T *to, int64_t to_row) {
    R rows[2][NNC_VECTOR_BYTES / sizeof(T)];
    int now = 0;
#if NNC_VECTOR_BYTES == 32
    /* Instructions interleave within halves of 16 bytes. So elements that are to meet are loaded into the same half. */
    const int64_t group = LANES / 2;
    if (n == LANES && k == LANES) {
#pragma GCC unroll 4
        for (int64_t r = 0; r < group; r++) {
            rows[0][r] = F(load_halves)(from + r * from_row, from + (r + group) * from_row);
            rows[0][r + group] = F(load_halves)(from + r * from_row + group, from + (r + group) * from_row + group);
        }
    } else {
#pragma GCC unroll 8
        for (int64_t r = 0; r < LANES; r++) rows[1][r] = r >= n ? (V){0} : F(load_partial)(from + r * from_row, k);
#pragma GCC unroll 4
        for (int64_t r = 0; r < group; r++) {
            rows[0][r] = F(NNC_JOIN_HALVES)(0, rows[1][r], rows[1][r + group]);
            rows[0][r + group] = F(NNC_JOIN_HALVES)(1, rows[1][r], rows[1][r + group]);
        }
    }
#else
    const int64_t group = LANES;
#pragma GCC unroll 16
    for (int64_t r = 0; r < LANES; r++) {
        const T *row = from + r * from_row;
        rows[0][r] = r >= n ? (V){0} : k == LANES ? *(const V *)row : F(load_partial)(row, k);
    }
#endif
    /* An element's position is the bits of its row, then those of its column. Interleaving the first half of the rows with the second
     * rotates these bits by one. So log2(group) stages exchange rows and columns. */
#pragma GCC unroll 4
    for (int64_t stage = 1; stage < group; stage *= 2, now = !now)
#pragma GCC unroll 8
        for (int64_t r = 0; r < LANES / 2; r++) {
            int64_t first = r / (group / 2) * group + r % (group / 2), to = first + r % (group / 2);
            rows[!now][to] = INTERLEAVE_LOW(rows[now][first], rows[now][first + group / 2]);
            rows[!now][to + 1] = INTERLEAVE_HIGH(rows[now][first], rows[now][first + group / 2]);
        }
#pragma GCC unroll 16
    for (int64_t p = 0; p < LANES; p++)
        if (p < k) *(V *)(to + p * to_row) = rows[now][p];
}
