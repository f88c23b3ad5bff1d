"""One program a library: `worker` runs it in an interpreter that need not have nncore, so no file here imports anything of nncore's.

A side's module has a class ``Side`` made with the number of threads and the flavour (the part of the peer's name after a hyphen, or empty).
Its methods take a task (see `nncore.bench.grid.task`) and return what the worker times: ``training`` a function that trains for a while and
returns seconds a step, ``prediction`` a function and the argument to call it with. ``versions`` maps distributions to versions.
"""
