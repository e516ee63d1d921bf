"""A dialect, a data-set format, a load shape and a metric for fastbench."""
