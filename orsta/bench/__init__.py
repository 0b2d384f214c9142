"""`make bench`: how much one machine does, measured from outside against a whole Orsta."""
