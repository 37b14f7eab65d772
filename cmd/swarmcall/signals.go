package main

// brief marks a command that sends one request and has nothing to clean up: a signal may end it at any time like any
// other program. Subscribing to signals starts a thread, which takes a tenth of the time of such a command.
type brief interface{ brief() }

func isBrief(c *choice) bool {
	if c == nil {
		return false
	}
	_, ok := c.grammar.(brief)
	return ok
}

func (*driversListCmd) brief()  {}
func (*driversShowCmd) brief()  {}
func (*commandsListCmd) brief() {}
func (*commandsShowCmd) brief() {}
func (*stateCmd) brief()        {}
func (*healthCmd) brief()       {}
func (*versionCmd) brief()      {}
func (*completeCmd) brief()     {}
func (*whoamiCmd) brief()       {}
func (*tokenListCmd) brief()    {}
func (*authCheckCmd) brief()    {}
