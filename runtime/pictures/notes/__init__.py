"""What a picture says beside its pixels, read so that it is true of the output, too."""
