package swarm

import "github.com/swarmcall/swarmcall/command"

// Command is one member of the union of commands.
type Command = command.Command

// Report is what a driver last said of itself.
type Report = command.State

// FieldError says which field of a request is wrong, and how.
type FieldError = command.FieldError
