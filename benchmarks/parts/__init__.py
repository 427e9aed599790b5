"""The parts of the benchmark, each on its own: see ``python -m benchmarks --help``."""
