"""Decides what is sent when and what ends how. Time is an argument; no sockets, no clock."""
