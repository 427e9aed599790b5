"""How quick vidindex is, held against the published recipe and the machine's own ceilings.

Run it with ``make bench``, or ``python -m benchmarks --help`` for its parts.
"""
