"""File formats: how a described network becomes bytes and comes back, one a file."""
