"""What holds on PostgreSQL only: pools, writers at once, partitions, replicas."""
