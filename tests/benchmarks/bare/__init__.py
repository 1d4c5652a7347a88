"""Bare functions, the baselines of the product's functions: the same libraries and the same calls, nothing else.

They import nothing of the product. `deployed.py` serves each module here by its name.
"""
