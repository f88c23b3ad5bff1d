"""`Scorer`: sums up the terms of compiled metrics over blocks of predictions. `Judge`: a network's loss and scores on data that it is not
trained on, all in C."""

from libc.math cimport INFINITY

from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from nncore._core.compiled cimport Compiled, address, given, host, load_table, runner, said
from nncore._core.gil cimport give_gil_away, take_gil_back
from nncore._core.runner cimport NNC_OK, nnc_progress, nnc_ranks, nnc_samples
from nncore._core.turns cimport nnc_leave_turn, nnc_take_turn
from nncore.abi cimport nnc_metric, nnc_metric_call, nnc_site

import numpy as np

from nncore.errors import PluginError, ShapeError


cdef extern from "pythread.h":
    unsigned long PyThread_get_thread_ident() nogil


_INT64, _FLOAT64 = np.dtype(np.int64), np.dtype(np.float64)

cdef enum:
    TERMS = 512  # terms that are computed before they are summed: 4 kB, since a network keeps the scorer of its metrics

#: A rough estimate: seconds of a metric for one number of a prediction.
cdef double SECONDS = 5e-9


cdef class Scorer:
    """Metrics of one data set.

    Parameters
    ----------
    spec : nncore.program.scoring.ScorerSpec
    """

    def __cinit__(self, spec):
        cdef Py_ssize_t i
        cdef scored *to
        cdef nnc_scorer *scorer = &self.scorer
        self.spec, self.kept, self.dtype = spec, [], spec.dtype
        scorer.is_f64, scorer.uses_labels, scorer.size = spec.dtype == _FLOAT64, spec.uses_labels, spec.dtype.itemsize
        scorer.n_outputs, scorer.n_targets, scorer.n_metrics = spec.n_outputs, spec.n_targets, len(spec.metrics)
        scorer.metrics = <scored *>calloc(max(scorer.n_metrics, 1), sizeof(scored))
        if scorer.metrics == NULL:
            raise MemoryError
        self.sums = [np.zeros(described.n_terms) for described in spec.metrics]
        self.room = np.empty(max(TERMS, max((len(sums) for sums in self.sums), default=0)))
        scorer.terms = <double *>address(self.room)
        for i, described in enumerate(spec.metrics):
            to = &scorer.metrics[i]
            load_table(described.capsule, "metric", described.who, described.needed, &to.table, sizeof(nnc_metric))
            if scorer.uses_labels:
                to.function = to.table.labels_f64 if scorer.is_f64 else to.table.labels_f32
            else:
                to.function = to.table.real_f64 if scorer.is_f64 else to.table.real_f32
            to.sums, to.n_terms = <double *>address(self.sums[i]), described.n_terms
            self.take_site(&to.site, described)

    def __dealloc__(self):
        free(self.scorer.metrics)

    cdef int take_site(self, nnc_site *site, object described) except -1:
        site.struct_size, site.host, site.message = sizeof(nnc_site), host, self.scorer.message
        site.hyper = <const double *>address(described.hyper)
        self.kept.append(described.hyper)
        return 0

    def begin(self):
        """Start again, before the first block."""
        clear(&self.scorer)

    def add(self, predictions, reals, labels, weights, int64_t first):
        """Add predictions (n_rows, n_outputs) of the samples from `first` on.

        Targets and `weights` (float64, None for 1 each) are those of all samples.
        """
        cdef nnc_scorer *scorer = &self.scorer
        cdef const char *output = <const char *>given(predictions, self.dtype, scorer.n_outputs, False, "predictions")
        cdef const char *real = <const char *>given(reals, self.dtype, scorer.n_targets, False, "reals")
        cdef const int64_t *label = <const int64_t *>given(labels, _INT64, 1, False, "labels")
        cdef const double *weight = <const double *>given(weights, _FLOAT64, 1, False, "weights")
        cdef int64_t n_rows = len(predictions)
        cdef int32_t status
        if (labels if scorer.uses_labels else reals) is None:
            raise ShapeError("targets are missing")
        for part in (reals, labels, weights):
            if part is not None and len(part) < first + n_rows:
                raise ShapeError(f"{len(part)} samples, predictions of {first} to {first + n_rows}")
        given_away = give_gil_away(n_rows * scorer.n_metrics * scorer.n_outputs * SECONDS, 1)
        status = add_rows(scorer, output, real, label, weight, first, n_rows)
        take_gil_back(given_away)
        if status != 0:
            text, who = said(scorer.message), self.spec.metrics[scorer.failed].who()
            raise PluginError(f"{who}: the kernel reported an error, {text or f'{status}, without a message'}")


cdef void clear(nnc_scorer *scorer) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(scorer.n_metrics):
        memset(scorer.metrics[i].sums, 0, scorer.metrics[i].n_terms * sizeof(double))


cdef int32_t add_rows(nnc_scorer *scorer, const char *output, const char *real, const int64_t *label, const double *weight, int64_t first,
                      int64_t n_rows) noexcept nogil:
    """Does the work of `Scorer.add`. Returns 0, or what the kernel of the metric `failed` returned."""
    cdef int32_t status = 0
    scorer.failed, scorer.message[0] = 0, 0
    while scorer.failed < scorer.n_metrics and status == 0:
        status = sum_up(scorer, &scorer.metrics[scorer.failed], output, real, label, weight, first, n_rows)
        scorer.failed += status == 0
    return status


cdef int32_t sum_up(const nnc_scorer *scorer, scored *metric, const char *output, const char *real, const int64_t *label,
                    const double *weight, int64_t first, int64_t n_rows) noexcept nogil:
    """Adds the weighted terms of some samples, one after the other, so that no bit depends on where blocks end."""
    cdef nnc_metric_call call
    cdef double w
    cdef int64_t begin = 0, rows, i, k, n_terms = metric.n_terms, at_once = max(1, TERMS // n_terms)
    cdef int32_t status
    memset(&call, 0, sizeof(nnc_metric_call))
    call.struct_size, call.site, call.terms = sizeof(nnc_metric_call), &metric.site, scorer.terms
    call.n_outputs, call.n_targets, call.n_terms = scorer.n_outputs, scorer.n_targets, n_terms
    while begin < n_rows:
        rows = min(at_once, n_rows - begin)
        call.output, call.n_rows = output + begin * scorer.n_outputs * scorer.size, rows
        if scorer.uses_labels:
            call.labels = label + first + begin
        else:
            call.target = real + (first + begin) * scorer.n_targets * scorer.size
        status = metric.function(&call)
        if status != 0:
            return status
        for i in range(rows):
            w = 1 if weight == NULL else weight[first + begin + i]
            if w > 0:
                for k in range(n_terms):
                    metric.sums[k] += w * scorer.terms[i * n_terms + k]
        begin += rows
    return 0


cdef class Judge:
    """A network's loss and scores on data that are ready in one block, without Python.

    For each epoch of a run of `Program.train`, it writes sums: of the loss and the weights, then of the terms of each metric.

    Parameters
    ----------
    program : Program
        The network's program for prediction, no part of which runs in Python.
    fields : tuple of (ndarray or None)
        Inputs, real targets, labels and weights.
    scorer : Scorer or None
    link : Program or None
        It turns outputs into predictions. Other threads may use it, too.
    outputs, predictions : ndarray of shape (n_samples, n_outputs) or None
        Where to write outputs, if there is a scorer, and predictions, if there is also a link.
    n_threads : int
    """

    def __cinit__(self, Compiled program not None, tuple fields not None, Scorer scorer, Compiled link, outputs, predictions,
                  int32_t n_threads):
        cdef nnc_judge *judge = &self.judge
        inputs, reals, labels, weights = fields
        columns = program.program.n_outputs
        self.program, self.link, self.kept = program, link, (fields, outputs, predictions, scorer)
        judge.program, judge.n_threads, judge.n_sums = &program.program, n_threads, 2
        judge.samples = program.samples(inputs, reals, labels, weights, None)
        judge.outputs = judge.predictions = given(outputs, program.dtype, columns, True, "outputs")
        if link is not None:
            judge.link, judge.turn = &link.program, &link.turn.turn
            judge.predictions = given(predictions, program.dtype, columns, True, "predictions")
        if scorer is not None:
            judge.scorer = &scorer.scorer
            judge.n_sums += sum(len(sums) for sums in scorer.sums)
        for part in (outputs, predictions):
            if part is not None and len(part) != len(inputs):
                raise ShapeError(f"{len(inputs)} samples, {len(part)} rows for what is made of them")
        if scorer is not None and judge.predictions == NULL:
            raise ShapeError("scores need room for outputs, and with a link also for predictions")

    @property
    def n_sums(self):
        """Number of sums that it writes."""
        return self.judge.n_sums

    cdef int refresh(self) except -1:
        """Takes over settings that have changed. The calling thread has the turn of the network."""
        self.program.refresh()
        if self.link is not None:
            self.link.turn.enter()
            try:
                self.link.refresh()
            finally:
                self.link.turn.leave()
        return 0


cdef bint do_judge(nnc_judge *judge, double *sums, nnc_ranks *ranks) noexcept nogil:
    """Writes the sums of a judge. Returns false if that fails; Python then finds the reason when it repeats the work.

    `ranks`, unless NULL, share the work.
    """
    cdef nnc_samples *samples = &judge.samples
    cdef nnc_scorer *scorer = judge.scorer
    cdef nnc_progress progress
    cdef Py_ssize_t i, place = 2
    cdef int32_t status
    memset(&progress, 0, sizeof(nnc_progress))
    judge.program.ranks = ranks
    status = runner.evaluate(judge.program, samples, judge.outputs, INFINITY, &progress, judge.n_threads)
    judge.program.ranks = NULL
    if status != NNC_OK:
        return False
    sums[0], sums[1] = progress.loss_sum, progress.weight_sum
    if scorer == NULL:
        return True
    if judge.link != NULL and not predict(judge):
        return False
    clear(scorer)
    if add_rows(scorer, <const char *>judge.predictions, <const char *>samples.targets, samples.labels, samples.weights, 0,
                samples.n_samples) != 0:
        return False
    for i in range(scorer.n_metrics):
        memcpy(sums + place, scorer.metrics[i].sums, scorer.metrics[i].n_terms * sizeof(double))
        place += scorer.metrics[i].n_terms
    return True


cdef bint predict(nnc_judge *judge) noexcept nogil:
    """Turns outputs into predictions. Returns false if another thread is using the link."""
    cdef int32_t status
    if not nnc_take_turn(judge.turn, PyThread_get_thread_ident()):
        return False
    status = runner.predict(judge.link, judge.outputs, judge.samples.n_samples, judge.predictions, 1)
    nnc_leave_turn(judge.turn)
    return status == NNC_OK
