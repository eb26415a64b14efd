"""Active learning: label real photographs with a person's corrections, and get better each round.

A project is one folder with one SQLite file. The way round: sources -> propose -> select -> (a person corrects) ->
merge -> rounds. The parts need the extra `annotate` (SQLAlchemy); torch is imported only where a checkpoint runs.
"""
