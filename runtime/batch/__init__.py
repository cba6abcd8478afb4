"""A batch of pictures: what is to be made, who makes it, and the journal of what was made."""
