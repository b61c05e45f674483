"""Greeting cards: a text set in Chinese type on one of our own designs, as a PNG.

Everything is drawn here with Pillow; the fonts come from a wheel, so that a card looks the
same on every machine. ``paint.paint`` is the one function to call.
"""
