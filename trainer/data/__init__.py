"""Photos to shards, shards to batches."""
