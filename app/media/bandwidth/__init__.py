"""What a listener's connection can carry (estimator, probe), and what is paused for it
(allocator).
"""
