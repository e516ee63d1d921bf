"""`fastbench saturate`: the most users within SLOs, the knee of the throughput, or a sweep over levels.

asked ── of options: what is looked for, and the run of its visits; driver ── carries it out; pilot ── between load and
search; sweep ── given levels; state ── on disk, to go on; outcome ── what it came to, words ── in words
"""
