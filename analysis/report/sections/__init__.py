"""The parts of the report, one file each: a question in SQL, and what is plotted of the answer."""
