"""What a call is about before anything is made: its pictures, their hints and their outputs."""
