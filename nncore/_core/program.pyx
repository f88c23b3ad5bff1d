"""`Program`: a compiled network that runs without the interpreter. The work is done in runner.c; this is its Python interface."""

from cpython.buffer cimport (
    PyBUF_FORMAT, PyBUF_STRIDES, PyBuffer_IsContiguous, PyBuffer_Release, PyObject_GetBuffer,
)
from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from nncore.abi cimport nnc_sparse_rows
from nncore._core.compiled cimport Compiled, address, given, runner, said
from nncore._core.crew cimport Job, nnc_job, nnc_stop
from nncore._core.gil cimport give_gil_away, take_gil_back
from nncore._core.ranks cimport Ranks
from nncore._core.scorer cimport Judge, do_judge, nnc_judge
from nncore._core.runner cimport (
    NNC_OK, NNC_LOSS_NOT_FINITE, NNC_GRADIENT_NOT_FINITE, NNC_PYTHON_RAISED, NNC_INPUT_NOT_FINITE, NNC_RULE_NOT_FINITE,
    NNC_STEP_NOT_FINITE, NNC_NO_MEMORY, NNC_FORWARD, NNC_BACKWARD, NNC_LOSS, NNC_LOSS_GRADIENT, NNC_UPDATE, NNC_RULE, NNC_TRANSFORM,
    NNC_PERTURB, NNC_IS_LOSS, NNC_BLOCK, NNC_HIGHEST_TREE, NNC_SITE, nnc_course, nnc_program, nnc_progress, nnc_ranks, nnc_samples,
)

import numpy as np
from numpy import empty, ndarray

from nncore.errors import DataError, OutOfMemoryError, ShapeError


cdef extern from "pythread.h":
    unsigned long PyThread_get_thread_ident() nogil

cdef extern from "parts.h":
    int64_t begin_parameter(const nnc_program *, int64_t begin, int64_t end, int32_t part, int32_t n_parts) noexcept nogil

cdef extern from "clock.h":
    double nnc_now() noexcept nogil


#: Statuses of a run that stopped early, in `Failure.status`. Any other status means that a kernel reported an error.
LOSS_NOT_FINITE = NNC_LOSS_NOT_FINITE
GRADIENT_NOT_FINITE = NNC_GRADIENT_NOT_FINITE
INPUT_NOT_FINITE = NNC_INPUT_NOT_FINITE
RULE_NOT_FINITE = NNC_RULE_NOT_FINITE
STEP_NOT_FINITE = NNC_STEP_NOT_FINITE
PYTHON_RAISED = NNC_PYTHON_RAISED  # in another process

#: Requests of a program to its `Interpreter`.
FORWARD = NNC_FORWARD
BACKWARD = NNC_BACKWARD
LOSS = NNC_LOSS
LOSS_GRADIENT = NNC_LOSS_GRADIENT
UPDATE = NNC_UPDATE
PERTURB = NNC_PERTURB
RULE = NNC_RULE
TRANSFORM = NNC_TRANSFORM

#: The op number of the loss.
IS_LOSS = NNC_IS_LOSS

#: Number of parameters whose squares are summed together.
BLOCK = NNC_BLOCK
#: Most shards of a batch.
MOST_SHARDS = 1 << NNC_HIGHEST_TREE

#: Bounds on gradients are computed for this many steps more than a run takes.
cdef int64_t AHEAD = 1 << 20
_FLOAT32, _FLOAT64, _INT64 = np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.int64)


class Failure(Exception):
    """A run stopped early. `status` is one of the constants above. `op` is the number of the op. -1 is the loss; behind the ops are the
    optimizers of groups, the transforms and the rules.

    If a kernel function failed, `returned` is its return value, and `message` its message.
    """

    def __init__(self, status: int, op: int, returned: int = 0, message: str = "") -> None:
        super().__init__(f"status {status} at op {op}")
        self.status = status
        self.op = op
        self.returned = returned
        self.message = message


cdef class Program(Compiled):
    """A compiled network. It uses all arrays of the specification in place; they must not be resized.

    Parameters
    ----------
    spec : nncore.program.specification.ProgramSpec
    """

    @property
    def step(self):
        """Updates done so far."""
        return self.program.step

    @step.setter
    def step(self, int64_t value):
        self.program.step = value

    @property
    def number_of_pass(self):
        """The number of the forward pass since the last step, from 0. Each pass draws random numbers of its own."""
        return self.program.number_of_pass

    @number_of_pass.setter
    def number_of_pass(self, int64_t value):
        self.program.number_of_pass = value

    @property
    def has_rounded(self):
        """Whether training has computed a matrix product in bfloat16."""
        return bool(self.program.has_rounded)

    def ranges(self, int32_t size):
        """Where the ranges of parameters end that each of `size` processes updates."""
        cdef nnc_program *program = &self.program
        cdef int32_t part
        return [begin_parameter(program, 0, program.n_parameters, part + 1, size) for part in range(size)]

    cdef int check_entry(self) except -1:
        """Raises if a component calls the network that is running it: it would wait for itself."""
        if self.python_thread != 0 and self.python_thread == PyThread_get_thread_ident():
            raise RuntimeError("a layer, activation, loss or optimizer has called the network that is running it")
        return 0

    cdef int gate(self, list courses, int64_t n_steps) except -1:
        """Computes, for `n_steps` and AHEAD more, how large gradients may be before the optimizers' steps have to be checked."""
        cdef nnc_program *program = &self.program
        cdef double factor
        if program.is_careful or program.n_groups == 0:
            return 0
        factor = self.spec.rate_factor(courses) if courses else 1
        if self.version[1] == self.shown and factor <= self.rate_factor and n_steps <= self.safe_until - program.step:
            return 0
        n_steps = min(n_steps, 1 << 40) + AHEAD
        program.safe_gradient = self.spec.safe_gradient(factor, n_steps)
        self.shown, self.rate_factor, self.safe_until = self.version[1], factor, program.step + n_steps
        return 0

    cdef int finish(self, int32_t status) except -1:
        """Turns a status into an exception."""
        if status == NNC_OK:
            return 0
        if status == NNC_PYTHON_RAISED and self.exception is not None:  # else it was raised in another process
            error, self.exception = self.exception, None
            raise error
        if status == NNC_NO_MEMORY:
            raise OutOfMemoryError(
                f"a prediction needs {self.program.room_bytes / 2**20:.0f} MiB for what lies between the layers, and the system "
                "has no more to give: free some memory, or make the layers narrower"
            )
        cdef int32_t part
        for part in range(self.program.max_parts):
            if self.program.notes[part].op == self.program.failed_op:
                raise Failure(status, self.program.failed_op, self.program.notes[part].status, said(self.program.notes[part].message))
        raise Failure(status, self.program.failed_op)

    def forward(self, x, bint training, int32_t n_threads=1):
        """Run forward on `x` (n_rows, n_inputs); n_rows is at most max_rows."""
        cdef const void *data = self.given_inputs(x, "x")
        cdef int64_t n_rows = len(x)
        cdef int32_t status
        self.check_entry()
        self.turn.enter()
        try:
            self.refresh()
            given_away = give_gil_away(n_rows * self.row_seconds, n_threads)
            status = runner.forward(&self.program, data, n_rows, training, n_threads)
            take_gil_back(given_away)
        finally:
            self.turn.leave()
        self.finish(status)

    @property
    def use_labels(self):
        """Whether the loss compares with the labels buffer or with the target buffer."""
        return bool(self.program.use_labels)

    @use_labels.setter
    def use_labels(self, bint value):
        self.program.use_labels = value

    def loss_value(self, int64_t n_rows, bint with_gradient, int32_t n_threads=1):
        """Loss of the last forward against the labels or target buffer, averaged by the weight buffer."""
        cdef double value = 0
        cdef int32_t status
        self.check_entry()
        self.turn.enter()
        try:
            self.refresh()
            given_away = give_gil_away(n_rows * self.row_seconds, n_threads)
            status = runner.loss_value(&self.program, n_rows, with_gradient, &value, n_threads)
            take_gil_back(given_away)
        finally:
            self.turn.leave()
        self.finish(status)
        return value

    def backward(self, x, int32_t n_threads=1):
        """Fill the gradients, from the `x` of the last forward and its loss; return the value of the penalty and the regularizers."""
        cdef const void *data = self.given_inputs(x, "x")
        cdef int64_t n_rows = len(x)
        cdef double value = 0
        cdef int32_t status
        self.check_entry()
        self.turn.enter()
        try:
            self.refresh()
            given_away = give_gil_away(2 * n_rows * self.row_seconds, n_threads)
            status = runner.backward(&self.program, data, n_rows, &value, n_threads)
            take_gil_back(given_away)
        finally:
            self.turn.leave()
        self.finish(status)
        return value

    def value_and_gradient(self, x, int32_t n_threads=1):
        """Run forward on `x`, the loss and backward in one call. Return the loss with all penalties.

        Gradients that are not finite raise a `Failure`.
        """
        cdef const void *data = self.given_inputs(x, "x")
        cdef int64_t n_rows = len(x)
        cdef double value = 0
        cdef int32_t status
        self.check_entry()
        self.turn.enter()
        try:
            self.refresh()
            given_away = give_gil_away(3 * n_rows * self.row_seconds, n_threads)
            status = runner.value_and_gradient(&self.program, data, n_rows, &value, n_threads)
            take_gil_back(given_away)
        finally:
            self.turn.leave()
        self.finish(status)
        return value

    def update(self, int32_t n_threads=1):
        """Let the optimizer take one step."""
        cdef int32_t status
        self.check_entry()
        self.turn.enter()
        try:
            self.refresh()
            self.gate([], 1)
            given_away = give_gil_away(self.update_seconds, n_threads)
            status = runner.update(&self.program, n_threads)
            take_gil_back(given_away)
        finally:
            self.turn.leave()
        self.finish(status)

    cdef double seconds_of(self, nnc_run *run):
        """An estimate of the seconds that a run takes."""
        cdef int64_t n = run.samples.n_samples - run.sums.n_done, n_judged = 0
        cdef nnc_epochs *epochs = run.epochs
        cdef double seconds
        cdef Py_ssize_t i
        if not run.trains:
            return n * self.row_seconds
        seconds = n * (3 * self.row_seconds + self.update_seconds / run.batch_size)
        if epochs == NULL:
            return seconds
        for i in range(epochs.n_judges):
            n_judged += epochs.judges[i].samples.n_samples
        return epochs.n_epochs * (seconds + n_judged * self.row_seconds)

    cdef void *room(self, object outputs, const void *inputs, int64_t n_rows) except? NULL:
        """Where to write the outputs for `n_rows` rows of inputs; NULL if `outputs` is None."""
        cdef char *place = <char *>given(outputs, self.dtype, self.program.n_outputs, True, "outputs")
        cdef const char *source = <const char *>inputs
        cdef int64_t size = 8 if self.program.is_f64 else 4
        if place != NULL:
            if len(outputs) != n_rows:
                raise ShapeError(f"outputs has {len(outputs)} rows, inputs have {n_rows}")
            if self.program.is_sparse:
                return place
            if place < source + n_rows * self.program.n_inputs * size and source < place + n_rows * self.program.n_outputs * size:
                raise DataError("outputs lie where inputs are read: pass another array")
        return place

    def begin_train(self, inputs, targets, labels, weights, order, list courses, int64_t batch_size, int64_t accumulate, bint drop_last,
                    double seconds, progress, int32_t n_threads=1, Epochs epochs=None, Ranks ranks=None):
        """Take the turn of the network and prepare all that `train` needs.

        Any thread can then do the work without Python; `Run.end` comes after it.
        """
        cdef Run run = Run.__new__(Run, self, (inputs, targets, labels, weights, order), progress, ranks)
        cdef nnc_run *asked = &run.run
        asked.trains = True
        asked.samples = self.samples(inputs, targets, labels, weights, order)
        asked.batch_size, asked.accumulate, asked.drop_last = batch_size, accumulate, drop_last
        asked.seconds, asked.n_threads = seconds, n_threads
        if batch_size < 1 or accumulate < 1 or min(batch_size, asked.samples.n_samples) > self.program.max_rows:
            raise ValueError(f"batches of {batch_size} samples do not fit {self.program.max_rows} rows")
        self.check_entry()
        self.turn.enter()
        try:
            self.refresh()
            # a step takes at least one sample
            self.gate(courses, asked.samples.n_samples * (1 if epochs is None else epochs.epochs.n_epochs))
            if epochs is not None:
                epochs.begin(asked.samples.n_samples)
                run.epochs, asked.epochs = epochs, &epochs.epochs
            if courses:
                run.begin_courses(courses)
        except BaseException:
            run.end_courses()
            self.turn.leave()
            raise
        return run

    def train(self, inputs, targets, labels, weights, order, list courses, int64_t batch_size, int64_t accumulate, bint drop_last,
              double seconds, progress, int32_t n_threads=1, Epochs epochs=None, Ranks ranks=None):
        """Train on the samples from ``progress[0]`` on, for about `seconds`; `accumulate` batches make a step.

        `courses` are the numbers that change from step to step (`nncore.program.Course`), with a factor for each step of all samples.
        `progress` is a list ``[samples done, weighted loss sum, weight sum]``, which is updated even if the run fails. `epochs` has the
        epochs that may follow; `progress` is then that of the last epoch that has begun. `ranks` are the processes that make the same call,
        and share the work.
        """
        cdef Run run = self.begin_train(
            inputs, targets, labels, weights, order, courses, batch_size, accumulate, drop_last, seconds, progress, n_threads,
            epochs, ranks,
        )
        given_away = give_gil_away(self.seconds_of(&run.run), n_threads)
        do_run(&run.run.job, NULL)
        take_gil_back(given_away)
        run.end()

    def begin_evaluate(self, inputs, targets, labels, weights, outputs, double seconds, progress, int32_t n_threads=1, Ranks ranks=None):
        """Like `begin_train`, for `evaluate`."""
        cdef Run run = Run.__new__(Run, self, (inputs, targets, labels, weights, outputs), progress, ranks)
        cdef nnc_run *asked = &run.run
        asked.samples = self.samples(inputs, targets, labels, weights, None)
        asked.outputs = self.room(outputs, asked.samples.inputs, len(inputs))
        asked.seconds, asked.n_threads = seconds, n_threads
        self.check_entry()
        self.turn.enter()
        try:
            self.refresh()
        except BaseException:
            self.turn.leave()
            raise
        return run

    def evaluate(self, inputs, targets, labels, weights, outputs, double seconds, progress, int32_t n_threads=1, Ranks ranks=None):
        """Sum the loss over the samples from ``progress[0]`` on, without training; `progress` as in `train`.

        `outputs` (n_samples, n_outputs) receives the network's outputs, unless it is None.
        """
        cdef Run run = self.begin_evaluate(inputs, targets, labels, weights, outputs, seconds, progress, n_threads, ranks)
        given_away = give_gil_away(self.seconds_of(&run.run), n_threads)
        do_run(&run.run.job, NULL)
        take_gil_back(given_away)
        run.end()

    def predict(self, inputs, outputs, int32_t n_threads=1, int64_t n_at_once=0, Ranks ranks=None):
        """Write outputs (n_rows, n_outputs) for inputs (n_rows, n_inputs).

        Python checks for signals after every `n_at_once` rows, or only at the end if it is 0.
        """
        cdef const void *source = self.given_inputs(inputs, "inputs")
        cdef const void *here
        cdef nnc_sparse_rows rows_here
        cdef int64_t n_rows = len(inputs), first = 0, rows
        cdef char *destination = <char *>self.room(outputs, source, n_rows)
        cdef int64_t size = 8 if self.program.is_f64 else 4
        cdef int32_t status = NNC_OK
        self.check_entry()
        self.turn.enter()
        try:
            self.refresh()
            if ranks is not None:
                self.program.ranks = &ranks.ranks
            while first < n_rows and status == NNC_OK:
                rows = n_rows - first if n_at_once == 0 else min(n_at_once, n_rows - first)
                if self.program.is_sparse:
                    rows_here = (<const nnc_sparse_rows *>source)[0]
                    rows_here.begins += first
                    rows_here.ends += first
                    here = &rows_here
                else:
                    here = <const char *>source + first * self.program.n_inputs * size
                given_away = give_gil_away(rows * self.row_seconds, n_threads)
                status = runner.predict(&self.program, here, rows,
                                        destination + first * self.program.n_outputs * size, n_threads)
                take_gil_back(given_away)
                first += rows
                PyErr_CheckSignals()
        finally:
            self.program.ranks = NULL
            self.turn.leave()
        if ranks is not None:
            ranks.finish()
        self.finish(status)

    cdef object row(self, const void *source):
        """Outputs for one row of inputs; None if they need further checks."""
        cdef int32_t status = NNC_OK
        output = empty(self.output_shape, self.dtype)
        cdef void *destination = address(output)
        self.check_entry()
        self.turn.enter()
        try:
            self.refresh()
            given_away = give_gil_away(self.row_seconds, 1)
            status = runner.predict(&self.program, source, 1, destination, 1)
            take_gil_back(given_away)
        finally:
            self.turn.leave()
        if status == NNC_INPUT_NOT_FINITE:
            return None
        self.finish(status)
        if self.program.accepts_nan and not all_finite(output):  # is NaN the reason?
            return None
        return output

    def predict_one(self, x, Program link=None):
        """Outputs for one sample. None if `x` is not an ndarray (n_inputs,) of the program's dtype, or if its numbers or the outputs need
        further checks.

        Like `predict` for one row, with less overhead in Python. With the program of a link, the outputs after the link.
        """
        cdef Py_buffer view
        if type(x) is not ndarray:
            return None
        PyObject_GetBuffer(x, &view, PyBUF_STRIDES | PyBUF_FORMAT)
        try:
            if not (view.ndim == 1 and view.shape[0] == self.program.n_inputs and view.strides[0] == view.itemsize
                    and <size_t>view.buf % <size_t>view.itemsize == 0
                    and view.format[0] == (c'd' if self.program.is_f64 else c'f') and view.format[1] == 0):
                return None
            output = self.row(view.buf)
        finally:
            PyBuffer_Release(&view)
        return output if link is None or output is None else link.row(address(output))


cdef struct nnc_run:
    nnc_job job  # first, so that a pointer to the job is one to the run
    nnc_program *program
    bint trains  # else it evaluates
    nnc_samples samples
    nnc_progress sums
    void *outputs
    int64_t batch_size, accumulate
    int32_t drop_last, n_threads, status
    double seconds
    nnc_epochs *epochs  # or NULL
    nnc_ranks *ranks  # or NULL


cdef enum:
    N_OWN = 3  # weighted loss sum, weight sum, seconds


cdef struct nnc_kept:
    const void *live
    char *copies  # (n_epochs, n_bytes)
    int64_t n_bytes


cdef struct nnc_epochs:
    int64_t n_before, n_ended, n_epochs, n_sums
    double *sums  # (n_epochs, n_sums)
    const int64_t **orders  # (n_epochs,) that of the first one is not used
    nnc_judge **judges  # (n_judges,)
    Py_ssize_t n_judges
    nnc_kept *kept  # (n_kept,)
    Py_ssize_t n_kept


cdef void do_run(nnc_job *job, nnc_stop stop) noexcept nogil:
    """Does the work of a run, in any thread."""
    cdef nnc_run *run = <nnc_run *>job
    run.program.stop, run.program.ranks = stop, run.ranks
    if run.epochs != NULL:
        do_epochs(run)
    elif run.trains:
        run.status = runner.train(run.program, &run.samples, run.batch_size, run.accumulate, run.drop_last, run.seconds, &run.sums,
                                  run.n_threads)
    else:
        run.status = runner.evaluate(run.program, &run.samples, run.outputs, run.seconds, &run.sums, run.n_threads)
    run.program.ranks = NULL


cdef void do_epochs(nnc_run *run) noexcept nogil:
    """Trains epoch after epoch, and judges the network after each.

    Stops when there are no more epochs, the time is up, or another thread needs the network or this thread.
    """
    cdef const nnc_program *program = run.program
    cdef nnc_epochs *epochs = run.epochs
    cdef double begun = nnc_now(), elapsed = 0
    cdef double *sums
    cdef bint is_judged, is_over
    while True:
        run.status = runner.train(run.program, &run.samples, run.batch_size, run.accumulate, run.drop_last, run.seconds - elapsed,
                                  &run.sums, run.n_threads)
        if run.status != NNC_OK or run.sums.n_done < run.samples.n_samples:
            return
        sums = epochs.sums + epochs.n_ended * epochs.n_sums
        sums[0], sums[1] = run.sums.loss_sum, run.sums.weight_sum
        is_judged = judge_all(epochs, sums + N_OWN, run.ranks)
        elapsed = nnc_now() - begun
        is_over = not 0 <= elapsed < run.seconds or program.n_waiting[0] > 0 or (program.stop != NULL and program.stop[0] != 0)
        if run.ranks != NULL:
            agree(run.ranks, &is_judged, &is_over)
        if not is_judged:
            return
        sums[2] = elapsed
        keep(epochs)
        epochs.n_ended += 1
        if epochs.n_ended == epochs.n_epochs or is_over:
            return
        epochs.n_before += 1
        memset(&run.sums, 0, sizeof(nnc_progress))
        run.samples.order = epochs.orders[epochs.n_before]
        move_on(run)


cdef void agree(nnc_ranks *ranks, bint *is_judged, bint *is_over) noexcept nogil:
    """Agrees on whether all processes could judge, and on whether the first one ends the run."""
    cdef int64_t agreed = runner.agree(ranks, 2 if not is_judged[0] else 1 if ranks.rank == 0 and is_over[0] else 0)
    is_judged[0], is_over[0] = agreed < 2, agreed == 1


cdef bint judge_all(nnc_epochs *epochs, double *sums, nnc_ranks *ranks) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(epochs.n_judges):
        if not do_judge(epochs.judges[i], sums, ranks):
            return False
        sums += epochs.judges[i].n_sums
    return True


cdef void keep(nnc_epochs *epochs) noexcept nogil:
    cdef Py_ssize_t i
    cdef nnc_kept *kept
    for i in range(epochs.n_kept):
        kept = &epochs.kept[i]
        memcpy(kept.copies + epochs.n_ended * kept.n_bytes, kept.live, kept.n_bytes)


cdef void move_on(nnc_run *run) noexcept nogil:
    """Moves schedules on to the next epoch. Their factors are stored for all steps of the run, epoch after epoch."""
    cdef int64_t n_samples = run.samples.n_samples, step_size = run.batch_size * run.accumulate
    cdef nnc_course *courses = <nnc_course *>run.samples.courses
    cdef int64_t i
    if run.drop_last:
        n_samples -= n_samples % run.batch_size
    for i in range(run.samples.n_courses):
        courses[i].factors += (n_samples + step_size - 1) // step_size


cdef class Epochs:
    """What a run of `Program.train` does after the current epoch: judge the network, and train it for further epochs.

    Parameters
    ----------
    orders : list of (ndarray or None)
        The sample orders of the epochs that follow, as long as that of the current epoch.
    judges : list of Judge
        They judge the network that is trained.
    live : list of ndarray
        Arrays that are copied at the end of each epoch.
    """

    #: Numbers of an epoch in `values` before those of judges.
    n_own = N_OWN

    cdef nnc_epochs epochs
    cdef list orders, judges, live
    cdef readonly object values
    cdef readonly list copies  # for each array of `live`: (n_epochs, its size)

    def __cinit__(self, list orders not None, list judges not None, list live not None):
        cdef nnc_epochs *epochs = &self.epochs
        cdef Judge judge
        cdef Py_ssize_t i
        self.orders, self.judges, self.live = orders, judges, live
        epochs.n_epochs, epochs.n_judges, epochs.n_sums, epochs.n_kept = 1 + len(orders), len(judges), N_OWN, len(live)
        epochs.orders = <const int64_t **>calloc(epochs.n_epochs, sizeof(void *))
        epochs.judges = <nnc_judge **>calloc(max(epochs.n_judges, 1), sizeof(void *))
        epochs.kept = <nnc_kept *>calloc(max(epochs.n_kept, 1), sizeof(nnc_kept))
        if epochs.orders == NULL or epochs.judges == NULL or epochs.kept == NULL:
            raise MemoryError
        for i in range(epochs.n_judges):
            judge = judges[i]
            epochs.judges[i] = &judge.judge
            epochs.n_sums += judge.judge.n_sums
        for i in range(len(orders)):
            epochs.orders[i + 1] = <const int64_t *>given(orders[i], _INT64, 1, False, "order")
        self.copies = [empty((epochs.n_epochs, array.size), array.dtype) for array in live]
        for i in range(epochs.n_kept):
            epochs.kept[i] = nnc_kept(address(live[i]), <char *>address(self.copies[i]), live[i].nbytes)
        self.values = empty((epochs.n_epochs, epochs.n_sums))
        epochs.sums = <double *>address(self.values)

    def __dealloc__(self):
        free(self.epochs.orders)
        free(self.epochs.judges)
        free(self.epochs.kept)

    @property
    def n_before(self):
        """Number of epochs that ended in the run, were judged, and were followed by another epoch."""
        return self.epochs.n_before

    @property
    def n_ended(self):
        """`n_before`, plus one if the run ended at the end of an epoch that was judged.

        `values` has a row for each: weighted loss sum, weight sum, seconds from the start of the run to the end of the epoch, and the sums
        of each judge.
        """
        return self.epochs.n_ended

    cdef int begin(self, int64_t n_samples) except -1:
        """Prepares for a current epoch of `n_samples` samples. The calling thread has the turn of the network."""
        cdef Judge judge
        if self.epochs.n_ended > 0:
            raise ValueError("these epochs are over")
        for order in self.orders:
            if order is not None and len(order) != n_samples:
                raise ShapeError(f"an epoch of {len(order)} samples cannot follow one of {n_samples} in one run")
        for judge in self.judges:
            judge.refresh()
        return 0


cdef class Run(Job):
    """A call of a program that has begun, and holds the turn. A crew or the program itself does the work, and then calls `end`."""

    cdef nnc_run run
    cdef Program program
    cdef Epochs epochs  # or None
    cdef Ranks ranks  # or None
    cdef tuple arrays  # kept alive
    cdef list progress
    cdef list courses  # or None
    cdef nnc_course *moved
    cdef dict own  # by op: copies of its numbers, one for each member, which schedules change
    cdef bint is_over

    def __cinit__(self, Program program, tuple arrays, list progress, Ranks ranks):
        self.program, self.arrays, self.progress, self.ranks = program, arrays, progress, ranks
        if ranks is not None:
            self.run.ranks = &ranks.ranks
        self.run.program = &program.program
        self.run.sums = nnc_progress(progress[0], progress[1], progress[2])
        self.run.job.work = do_run
        self.job = &self.run.job

    def __dealloc__(self):
        free(self.moved)

    cdef int begin_courses(self, list courses) except -1:
        """Starts the schedules of numbers."""
        self.moved = <nnc_course *>calloc(len(courses), sizeof(nnc_course))
        if self.moved == NULL:
            raise MemoryError
        self.courses, self.own = courses, {}
        self.program.interpreter.follow(courses)
        for i, course in enumerate(courses):
            self.moved[i].place = self.place_of(course, &self.moved[i].stride)
            self.moved[i].base, self.moved[i].factors = self.moved[i].place[0], <const double *>address(course.factors)
        self.run.samples.courses, self.run.samples.n_courses = self.moved, len(courses)
        return 0

    cdef double *place_of(self, object course, int64_t *stride) except NULL:
        """Where a course writes its number."""
        cdef nnc_program *program = self.run.program
        cdef int64_t n, op
        cdef int32_t part
        cdef double *numbers
        stride[0] = 0
        if course.limit == "clip_norm":
            return &program.clip_norm
        if course.limit == "clip_value":
            return &program.clip_value
        numbers = <double *>address(course.numbers)
        if course.op is None:
            return numbers + <int64_t>course.index
        op, n = course.op, (len(course.numbers) + 7) // 8 * 8  # so members that write do not share cache lines
        stride[0] = n
        if op not in self.own:
            self.own[op] = np.zeros((program.max_parts, n))
            self.own[op][:, : len(course.numbers)] = course.numbers
            for part in range(program.max_parts):
                program.sites[part * program.n_sites + NNC_SITE(op)].hyper = <const double *>address(self.own[op][part])
        return <double *>address(self.own[op]) + <int64_t>course.index

    cdef int end_courses(self) except -1:
        """Restores each number to its value without a schedule."""
        cdef nnc_program *program = self.run.program
        cdef nnc_course *moved = self.moved
        cdef int64_t op
        cdef int32_t part
        cdef Py_ssize_t i
        if self.courses is None:
            return 0
        for i in range(len(self.courses)):
            if moved[i].place == NULL:
                continue
            if moved[i].stride == 0:
                moved[i].place[0] = moved[i].base
            else:
                op = self.courses[i].op
                for part in range(program.max_parts):
                    program.sites[part * program.n_sites + NNC_SITE(op)].hyper = <const double *>address(self.courses[i].numbers)
        self.courses = self.own = None
        self.program.interpreter.settle()
        return 0

    @property
    def runs_python(self):
        """Whether a component has no kernel. Then only the thread that began the run may do the work."""
        return self.program.runs_python

    @property
    def seconds(self):
        """Seconds that a crew has worked on it."""
        return self.run.job.seconds

    def end(self):
        """Leave the turn, update `progress`, and raise what stopped the run.

        The thread that began the run calls this; further calls do nothing.
        """
        if self.is_over:
            return
        self.is_over = True
        try:
            self.end_courses()
        finally:
            self.program.turn.leave()
        cdef nnc_progress *sums = &self.run.sums
        self.progress[:] = [sums.n_done, sums.loss_sum, sums.weight_sum]
        if self.ranks is not None:
            self.ranks.finish()
        self.program.finish(self.run.status)


def permutation(int64_t n, uint64_t seed, uint64_t epoch) -> ndarray:
    """The numbers 0 to n - 1 (below 2**32 - 1) shuffled, an int64 array of shape (n,). `seed` and `epoch` determine the order."""
    order = empty(n, np.int64)
    cdef int64_t *data = <int64_t *>address(order)
    given_away = give_gil_away(n * 5e-9, 1)
    runner.permute(data, n, seed, epoch)
    take_gil_back(given_away)
    return order


def ready_rows(data, tuple shape, dtype, allow_nan=None):
    """`data` itself, if it is an ndarray (n_rows, *shape) of `dtype` that C can read in place, with at least one row; else None.

    With `allow_nan`, True or False, its numbers must also be finite, or NaN if that is allowed.
    """
    cdef Py_buffer view
    cdef Py_ssize_t i
    cdef int64_t n
    cdef bint is_ready, may_be_nan
    if type(data) is not ndarray:
        return None
    own = data.dtype
    if own is not dtype and own != dtype:
        return None
    PyObject_GetBuffer(data, &view, PyBUF_STRIDES)
    try:
        is_ready = view.ndim == len(shape) + 1 and view.len > 0 and <size_t>view.buf % <size_t>view.itemsize == 0
        for i in range(len(shape)):
            is_ready = is_ready and view.shape[i + 1] == shape[i]
        is_ready = is_ready and PyBuffer_IsContiguous(&view, c'C')
        if is_ready and allow_nan is not None:
            n, may_be_nan = view.len // view.itemsize, allow_nan
            given_away = give_gil_away(n * 1e-9, 1)
            if view.itemsize == 8:
                is_ready = runner.all_finite_f64(<const double *>view.buf, n, may_be_nan)
            else:
                is_ready = runner.all_finite_f32(<const float *>view.buf, n, may_be_nan)
            take_gil_back(given_away)
    finally:
        PyBuffer_Release(&view)
    return data if is_ready else None


def ready_labels(y, int64_t n_labels):
    """A copy of `y`, if it is an ndarray (n,) of int64 from 0 to ``n_labels - 1``; else None.

    The core trusts that labels stay in range, so it needs a copy that nobody else writes to.
    """
    cdef Py_buffer view
    cdef Py_ssize_t i
    cdef int64_t label
    cdef bint is_ready
    cdef int64_t *to
    if type(y) is not ndarray:
        return None
    own = y.dtype
    if own is not _INT64 and own != _INT64:
        return None
    PyObject_GetBuffer(y, &view, PyBUF_STRIDES)
    try:
        is_ready = view.ndim == 1
        if is_ready:
            labels = empty(view.shape[0], _INT64)
            to = <int64_t *>address(labels)
            for i in range(view.shape[0]):
                memcpy(&label, <const char *>view.buf + i * view.strides[0], sizeof(int64_t))
                is_ready = is_ready and 0 <= label < n_labels
                to[i] = label
    finally:
        PyBuffer_Release(&view)
    return labels if is_ready else None


def are_rows(order, int64_t n_rows) -> bool:
    """Whether every number of an int64 array is the number of a row, 0 to ``n_rows - 1``."""
    cdef const int64_t *data = <const int64_t *>given(order, _INT64, 1, False, "order")
    cdef int64_t i, lowest = 0, highest = -1, n = len(order)
    given_away = give_gil_away(n * 1e-9, 1)
    for i in range(n):
        lowest, highest = min(lowest, data[i]), max(highest, data[i])
    take_gil_back(given_away)
    return lowest >= 0 and highest < n_rows


def all_finite(values, bint allow_nan=False) -> bool:
    """Whether every number of a contiguous float32 or float64 array is finite, or NaN if that is allowed; allocates nothing."""
    cdef bint is_f64 = values.dtype == np.float64
    cdef const void *data = given(values.reshape(-1), _FLOAT64 if is_f64 else _FLOAT32, 1, False, "values")
    cdef int64_t n = values.size
    cdef int32_t finite
    given_away = give_gil_away(n * 1e-9, 1)
    if is_f64:
        finite = runner.all_finite_f64(<const double *>data, n, allow_nan)
    else:
        finite = runner.all_finite_f32(<const float *>data, n, allow_nan)
    take_gil_back(given_away)
    return bool(finite)
