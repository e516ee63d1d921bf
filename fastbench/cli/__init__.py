"""One module per command: arguments → plan → call → exit code. Only this room prints or exits."""
