"""Who colors the jobs of a batch: threads, processes, or the actors of a cluster."""
