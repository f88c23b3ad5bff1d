"""Convert trained models of other libraries: one library a file, all through the graph of `graph.py`.

nncore never imports these libraries itself, except onnx: the user's model has already imported its own. Imports estimators and networks.
"""
