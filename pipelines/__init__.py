"""When and where: commands, runs, locks, destinations. The only package that knows the others."""
