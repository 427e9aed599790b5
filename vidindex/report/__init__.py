"""The report: what is known of a library as one page with pictures, that needs nothing else."""
