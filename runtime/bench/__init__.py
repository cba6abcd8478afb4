"""What `gcolor bench` measures: engines in processes of their own, turn by turn, and how true their colors are."""
