"""Score, calibration and processor time of learners on public tables: nncore's beside boosted trees and other networks.

    PYTHONPATH=tools python -m tabular_bench run --data DATA --out docs/benchmarks/tabular.jsonl
    PYTHONPATH=tools python -m tabular_bench page --data DATA --out docs/benchmarks/tabular.jsonl

`sources` reads files, `tables` lists the tables, `division` says which of them may be tuned on, `methods` lists the learners, `runs`
runs one of them on one table in a process of its own, `scores` judges predictions, `ranks` compares, `page` and `pictures` show.
"""
