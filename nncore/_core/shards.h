/* Sums over the rows of a batch that do not depend on which thread or process adds them up. Included by runner.c, once.
 *
 * A batch is cut into as many leaves as the program has shards. Leaf i begins at row share(n_rows, n_together, i,
 * n_shards). Each leaf is summed
 * by itself. The sums of leaves are added along a binary tree, in which each left branch has a power of two of them. So 8 leaves are
 * added as ((0 + 1) + (2 + 3)) + ((4 + 5) + (6 + 7)). If each process has such a branch, processes only need to exchange their sums in
 * pairs. Leaves without rows are left out. */

typedef struct tree {
    const member *m;
    int64_t n_bytes; /* of a sum */
    /* Where the sums of branches are that processes have brought, `stride` bytes apart; NULL: rows are summed. */
    const char *known;
    int64_t stride;
    /* Writes the sum of some rows to `to`. */
    int64_t (*sum)(const struct tree *tree, int64_t first_row, int64_t n_rows, void *to);
    /* Adds the sum of the other_rows that follow, at `other`, to that of n_rows rows at `to`. */
    int64_t (*join)(const struct tree *tree, void *to, int64_t n_rows, const void *other, int64_t other_rows);
} tree;

/* A tree whose sums a layer computes. */
typedef struct layer_tree {
    tree tree;
    int64_t number;             /* of the op */
    const nnc_layer_call *call; /* of the whole batch */
    nnc_layer_function take;    /* sums some rows; NULL: it is the gradient */
} layer_tree;

/* Writes the sum of leaves begin .. end - 1, some of which have rows, to `to`. Pending sums are in `waiting`, one for each level of the
 * tree. */
NNC_RARE int64_t climb(const tree *tree, int32_t begin, int32_t end, void *to, char *waiting) {
    int64_t n_rows = tree->m->n_rows;
    int64_t unit = tree->m->program->n_together;
    int32_t n_shards = tree->m->program->n_shards, half = 1;
    int64_t first = share(n_rows, unit, begin, n_shards), last = share(n_rows, unit, end, n_shards);
    int32_t n_known = tree->known == NULL ? 0 : leaves_of_branch(tree->m->program, tree->m->ranks->size);
    if (end - begin <= n_known) {
        memcpy(to, tree->known + begin / n_known * tree->stride, (size_t)tree->n_bytes);
        return NNC_OK;
    }
    if (end - begin == 1) return tree->sum(tree, first, last - first, to);
    while (2 * half < end - begin) half *= 2;
    int64_t middle = share(n_rows, unit, begin + half, n_shards);
    if (middle == first) return climb(tree, begin + half, end, to, waiting);
    int64_t verdict = climb(tree, begin, begin + half, to, waiting);
    if (verdict != NNC_OK || middle == last) return verdict;
    verdict = climb(tree, begin + half, end, waiting, waiting + tree->n_bytes);
    return verdict != NNC_OK ? verdict : tree->join(tree, to, middle - first, waiting, last - middle);
}

/* Writes the sum of the member's leaves, if they have rows, to `to`: of all leaves, or of the branch of its process. */
NNC_RARE int64_t climb_own(const tree *tree, void *to, char *waiting) {
    const member *m = tree->m;
    int32_t n_shards = m->program->n_shards;
    int64_t unit = m->program->n_together;
    int has_rows = share(m->n_rows, unit, m->begin_leaf, n_shards) < share(m->n_rows, unit, m->end_leaf, n_shards);
    return has_rows ? climb(tree, m->begin_leaf, m->end_leaf, to, waiting) : NNC_OK;
}
