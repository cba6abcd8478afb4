"""The paper's experiments made again: which rows there are, how one is trained and tested, what is shown of them."""
