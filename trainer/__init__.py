"""Photos in, checkpoint out: data, hint simulation, rebalanced loss, the loop."""
