"""What was asked, decided, agreed, cut and read: the rows."""
