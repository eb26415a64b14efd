"""What a picture costs here and elsewhere: `synthgen bench`.

Every engine draws the same scenes in a process of its own, frame by frame in turn, so that a busy machine slows them
alike; figures are ratios of the same round, and their median.
"""
