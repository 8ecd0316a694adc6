"""Whole scrubs by other libraries, for `benchmarks.scrubs`: a file for each way of writing them."""
