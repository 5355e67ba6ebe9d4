"""The pages that mails point to. They stand on loopback; a reverse proxy with TLS lets leads in."""
