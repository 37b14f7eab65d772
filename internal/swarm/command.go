package swarm

import "github.com/swarmcall/swarmcall/command"

// Command is a command of any type.
type Command = command.Command

// Report is the state that a driver last reported.
type Report = command.State

// FieldError says which field of a request is wrong, and how.
type FieldError = command.FieldError
