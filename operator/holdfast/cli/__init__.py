"""How people talk to it: one command, small subcommands, sentences out."""
