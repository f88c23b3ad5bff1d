/* What a step changes, and how it was: so that no step that ends badly leaves anything behind. Included by runner.c, once.
 *
 * Where it is known how large gradients have to be before a step can overflow, only a step with larger ones is copied for, and looked at;
 * buffers, which are few, always are. Else a run copies all of it when it begins, or, where what is run cannot be run again, before each
 * step. If something ends badly, the run begins again from there, with a copy before each step and a look at all numbers after it, and
 * stops before the step that is to blame. */

/* A member's share of a piece: whole cache lines. */
#define UNDO_UNIT 64 /* bytes */

static int is_trouble(int64_t verdict) { return verdict >> 32 > NNC_TIME_IS_UP; }

static int64_t own_bytes(const member *m, const nnc_undo *undo, int64_t *end) {
    *end = share(undo->n_bytes, UNDO_UNIT, m->part + 1, m->n_parts);
    return share(undo->n_bytes, UNDO_UNIT, m->part, m->n_parts);
}

/* Copies the member's share of what is not kept yet, so that it is as many pieces. */
static void keep(member *m, int64_t n_kept) {
    for (int64_t i = m->n_kept; i < n_kept; i++) {
        const nnc_undo *undo = &m->program->undo[i];
        int64_t end, begin = own_bytes(m, undo, &end);
        if (begin < end) memcpy((char *)undo->kept + begin, (char *)undo->live + begin, (size_t)(end - begin));
    }
    m->n_kept = n_kept;
}

/* Puts the member's share back; what is replaced takes the place of the copy, where messages find it. */
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

/* Whether all numbers of the member's share of what is kept are finite, but for those that were not before. */
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

/* After the members have changed what they had to: whether that has come out well for all. All members have to come here. */
static int64_t look_back(const member *m, int64_t verdict) {
    int64_t own = is_trouble(verdict) || stay_finite(m) ? NNC_OK : verdict_of(NNC_STEP_NOT_FINITE, NNC_IS_OPTIMIZER);
    int64_t found = meet(m, own, 0);
    return found != NNC_OK ? found : verdict;
}
