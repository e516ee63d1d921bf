"""What is sent when and what ends how: decisions that get the time as an argument and know no socket and no clock."""
