"""Who may enter and sign: logins, sessions, roles."""
