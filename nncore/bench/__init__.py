"""``nncore bench``: nncore beside its peers and beside the physical limit of the machine.

`grid` says what is timed, `limit` how fast it could be; `sides` are programs, one a library, that `workers` runs; `run` goes through a
selection and fills `results`, which `summary`, `tables`, `page` and `picture` present.
"""
