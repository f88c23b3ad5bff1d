/* Sums over the rows of a batch that do not depend on who adds them up. Included by runner.c, once.
 *
 * A batch is cut into as many leaves as the program has shards, share(n_rows, 1, leaf, n_shards) being the first row of each. A leaf is
 * summed by itself, and the sums of leaves are added along a binary tree whose left branches have a power of two of them: 8 leaves as
 * ((0 + 1) + (2 + 3)) + ((4 + 5) + (6 + 7)). So processes that have such a branch each need no more than to exchange their sums in pairs. A
 * leaf without rows is left out. */

typedef struct tree {
    const member *m;
    int64_t n_bytes; /* of a sum */
    /* Where processes have brought the sums of their branches, `stride` bytes from one to the next; NULL: sums are taken of rows. */
    const char *known;
    int64_t stride;
    /* The sum of some rows to `to`. */
    int64_t (*sum)(const struct tree *tree, int64_t first_row, int64_t n_rows, void *to);
    /* The sum of n_rows rows at `to` and of the `other_rows` that follow them, to `to`. */
    int64_t (*join)(const struct tree *tree, void *to, int64_t n_rows, const void *other, int64_t other_rows);
} tree;

/* A tree of sums that functions of a layer take. */
typedef struct layer_tree {
    tree tree;
    int64_t number;             /* of the op */
    const nnc_layer_call *call; /* of the whole batch */
    nnc_layer_function take;    /* takes the sum of some rows; NULL: it is the gradient */
} layer_tree;

/* The sum of leaves begin .. end - 1, some of which have rows, to `to`. Sums that wait for others are in `waiting`: as many as the tree is
 * high. */
NNC_RARE int64_t climb(const tree *tree, int32_t begin, int32_t end, void *to, char *waiting) {
    int64_t n_rows = tree->m->n_rows;
    int32_t n_shards = tree->m->program->n_shards, half = 1;
    int64_t first = share(n_rows, 1, begin, n_shards), last = share(n_rows, 1, end, n_shards);
    int32_t n_known = tree->known == NULL ? 0 : leaves_of_branch(tree->m->program, tree->m->ranks->size);
    if (end - begin <= n_known) {
        memcpy(to, tree->known + begin / n_known * tree->stride, (size_t)tree->n_bytes);
        return NNC_OK;
    }
    if (end - begin == 1) return tree->sum(tree, first, last - first, to);
    while (2 * half < end - begin) half *= 2;
    int64_t middle = share(n_rows, 1, begin + half, n_shards);
    if (middle == first) return climb(tree, begin + half, end, to, waiting);
    int64_t verdict = climb(tree, begin, begin + half, to, waiting);
    if (verdict != NNC_OK || middle == last) return verdict;
    verdict = climb(tree, begin + half, end, waiting, waiting + tree->n_bytes);
    return verdict != NNC_OK ? verdict : tree->join(tree, to, middle - first, waiting, last - middle);
}

/* The sum of the member's leaves, if they have rows, to `to`: of all, or of the branch of its process. */
NNC_RARE int64_t climb_own(const tree *tree, void *to, char *waiting) {
    const member *m = tree->m;
    int32_t n_shards = m->program->n_shards;
    int has_rows = share(m->n_rows, 1, m->begin_leaf, n_shards) < share(m->n_rows, 1, m->end_leaf, n_shards);
    return has_rows ? climb(tree, m->begin_leaf, m->end_leaf, to, waiting) : NNC_OK;
}
