package main

// brief is a command that asks once and leaves nothing to clear up: a signal may end it at any moment as it ends any
// program. Asking for signals takes a tenth of the time that such a command takes, for it starts a thread.
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
