"""The page where hints are placed: a local server over a folder of photographs, and the page itself in `page/`."""
