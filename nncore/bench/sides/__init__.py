"""One program a library: `worker` runs it in an interpreter that need not have nncore, so no file here imports anything of nncore's.

A side's module has a class ``Side`` made with the number of threads and the flavour (the part of the peer's name after a hyphen, or empty).
Its methods take a task (see `nncore.bench.grid.task` and `nncore.bench.sections`). They return a function that measures once and returns
seconds, a function and the argument to call it with, or the measurement. ``versions`` maps distributions to versions.
"""
