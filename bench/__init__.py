"""Benchmarks of Twofold. Each figure is shown beside a baseline measured in the same run on the same machine."""
