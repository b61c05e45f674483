"""Base models and the engines that run them.

Import the engines from their modules: this package stays light, for the command line's sake.
"""
