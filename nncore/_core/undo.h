/* Copies of what a step changes, so that a step that fails leaves nothing behind. Included by runner.c, once.
 *
 * If it is known how large gradients have to be before a step can overflow, only steps with larger gradients are copied for, and
 * checked. Buffers, which are few, are always copied. Otherwise a run copies everything when it begins, or before each step if the run
 * cannot be repeated. If something fails, the run begins again from the copy. It then copies before each step, checks all numbers after
 * it, and stops before the step that fails. */

/* The unit of a member's share of a piece: a cache line. */
#define UNDO_UNIT 64 /* bytes */

static int is_trouble(int64_t verdict) { return verdict >> 32 > NNC_TIME_IS_UP; }

static int64_t own_bytes(const member *m, const nnc_undo *undo, int64_t *end) {
    *end = share(undo->n_bytes, UNDO_UNIT, m->part + 1, m->n_parts);
    return share(undo->n_bytes, UNDO_UNIT, m->part, m->n_parts);
}

/* Copies the member's share of the first n_kept pieces, as far as they are not copied yet. */
static void keep(member *m, int64_t n_kept) {
    for (int64_t i = m->n_kept; i < n_kept; i++) {
        const nnc_undo *undo = &m->program->undo[i];
        int64_t end, begin = own_bytes(m, undo, &end);
        if (begin < end) memcpy((char *)undo->kept + begin, (char *)undo->live + begin, (size_t)(end - begin));
    }
    m->n_kept = n_kept;
}

/* Restores the member's share. The replaced values go to the place of the copy, where messages find them. */
static void put_back(const member *m) {
    for (int64_t i = 0; i < m->n_kept; i++) {
        const nnc_undo *undo = &m->program->undo[i];
        char line[UNDO_UNIT], *live = undo->live, *kept = undo->kept;
        for (int64_t end, n, begin = own_bytes(m, undo, &end); begin < end; begin += n) {
            n = nnc_least(end - begin, UNDO_UNIT);
            memcpy(line, live + begin, (size_t)n);
            memcpy(live + begin, kept + begin, (size_t)n);
            memcpy(kept + begin, line, (size_t)n);
        }
    }
}

/* Whether all numbers of the member's share of the copied pieces are finite, except those that were not finite before. */
static int stay_finite(const member *m) {
    for (int64_t i = 0; i < m->n_kept; i++) {
        const nnc_undo *undo = &m->program->undo[i];
        int64_t end, begin = own_bytes(m, undo, &end);
        const char *live = (const char *)undo->live + begin, *kept = (const char *)undo->kept + begin;
        if (begin >= end || undo->number_bytes == 0) continue;
        if (undo->number_bytes == sizeof(float)) {
            const float *now = (const float *)live, *before = (const float *)kept;
            int64_t n = (end - begin) / (int64_t)sizeof(float);
            if (all_finite_f32(now, n, 0)) continue;
            for (int64_t j = 0; j < n; j++)
                if (!isfinite(now[j]) && isfinite(before[j])) return 0;
        } else {
            const double *now = (const double *)live, *before = (const double *)kept;
            int64_t n = (end - begin) / (int64_t)sizeof(double);
            if (all_finite_f64(now, n, 0)) continue;
            for (int64_t j = 0; j < n; j++)
                if (!isfinite(now[j]) && isfinite(before[j])) return 0;
        }
    }
    return 1;
}

/* After a step, checks the member's share, and agrees on the verdict with all members. All members have to come here. */
static int64_t look_back(const member *m, int64_t verdict) {
    int64_t own = is_trouble(verdict) || stay_finite(m) ? NNC_OK : verdict_of(NNC_STEP_NOT_FINITE, NNC_IS_OPTIMIZER);
    int64_t found = meet(m, own, 0);
    return found != NNC_OK ? found : verdict;
}
