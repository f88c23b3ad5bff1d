"""Trained models of other libraries as ours: one library a file, and the graph that their layers become first.

The libraries are never needed: what is handed in has loaded its own. Imports estimators and networks.
"""
