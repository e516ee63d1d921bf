"""Metrics → what a person reads: console tables, csv, json."""
