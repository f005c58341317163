"""Sessions at the server: the file, and the cookie that leads to a row of it."""
