"""A scenario is made: begun from a template, looked over, drafted from real messages."""
