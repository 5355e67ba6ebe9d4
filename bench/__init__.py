"""Figures, each a ratio to a reference measured in the same run: `python -m bench`. What is measured stands in workload.py."""
