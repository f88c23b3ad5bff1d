"""When many processes pay: the work of one process of many measured here, its messages counted, networks by their data sheets.

    PYTHONPATH=tools python -m scaling measure --out docs/benchmarks/scaling.json
    PYTHONPATH=tools mpiexec -n 2 python -m scaling check --out docs/benchmarks/scaling.json
    PYTHONPATH=tools python -m scaling page --out docs/benchmarks/scaling.json

The time of a process that trains with others does not depend on whether they are there. So `measure` trains as the first of R processes
with a collective that pretends, and counts what it is asked to send. `check` has processes that are there, with and without a slow network
between them, and holds the model against what they take.
"""
