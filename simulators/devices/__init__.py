"""Between truth and message: what instruments make of what is true, and when their messages leave."""
