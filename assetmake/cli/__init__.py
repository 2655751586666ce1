"""The command line: options, modes, streams; nothing else prints or exits."""
