"""When, how many at once, how often again. The only room that knows Prefect; it never holds the truth about a lead."""
