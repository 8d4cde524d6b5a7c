//! Floor 9: the command line, the only place with input and output. One file a subcommand.
