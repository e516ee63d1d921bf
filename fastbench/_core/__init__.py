"""The compiled core: bytes to events to time stamps. Imports nothing of fastbench.

`wire` reads replies, `dispatch` decides what is sent when and what ends how, `reactor` is the thread with the sockets
and the clock, `counts` goes over what was recorded; `ring` and `call` hold what a request is while it runs and once it
has ended.
"""
