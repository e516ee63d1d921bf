"""The summarizer that configs of other measurements name; it stands for the usual report."""

summarizer = dict(attr="accuracy")
