"""Score, calibration and processor time of learners on public tables: nncore's, boosted trees' and other networks'.

    PYTHONPATH=tools python -m tabular_bench run --data DATA --out docs/benchmarks/tabular.jsonl
    PYTHONPATH=tools python -m tabular_bench page --data DATA --out docs/benchmarks/tabular.jsonl

`sources` reads files, `tables` lists the tables, `division` says which of them may be tuned on, and `methods` lists the learners. `runs`
runs one learner on one table in its own process. `scores` scores predictions, `ranks` compares, `page` and `pictures` show the results.
"""
