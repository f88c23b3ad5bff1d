"""MPI as a collective, a plugin of nncore."""
