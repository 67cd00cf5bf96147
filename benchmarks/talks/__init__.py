"""Talk videos made by code of our own, with exact truth about their slides.

The package draws decks, people, rooms and pointers, cuts them into the regimes that slide
detection is measured in, encodes them as video sites do and writes down what is shown when.
"""
