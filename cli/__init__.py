"""Click commands, one file each; no logic of their own."""
