"""What opens a picture file and decodes it: which kind it is, which page, by which library."""
