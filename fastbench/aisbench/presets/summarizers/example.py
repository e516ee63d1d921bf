"""The summarizer of accuracy configs; here it gives the usual report."""

summarizer = dict(attr="accuracy")
