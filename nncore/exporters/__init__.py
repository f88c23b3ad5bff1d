"""Exporters: models as files that predict without nncore, one target a file."""
