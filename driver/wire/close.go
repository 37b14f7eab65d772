package wire

// CloseCode is a WebSocket close code. It determines what the driver has to do next.
type CloseCode int

// The close codes a server sends.
const (
	CloseDone       CloseCode = 1000 // after deregister
	CloseDrain      CloseCode = 1001 // server stops, or the token must be read again
	CloseProtocol   CloseCode = 1002
	CloseBinary     CloseCode = 1003 // frames are text
	CloseNotJSON    CloseCode = 1007 // not UTF-8, or not a JSON object
	CloseTooBig     CloseCode = 1009 // frame over MaxFrameBytes
	CloseInternal   CloseCode = 1011
	CloseRestart    CloseCode = 1012
	CloseOverloaded CloseCode = 1013
	CloseCredential CloseCode = 4001
	CloseSuperseded CloseCode = 4002 // a newer session of the same driver id
	CloseNotYours   CloseCode = 4003 // the credential does not cover the driver, or another has its id
	CloseLate       CloseCode = 4004 // neither a heartbeat nor a pong for too long
	CloseRegister   CloseCode = 4005 // no valid register as the first frame in time
	CloseTooFast    CloseCode = 4008
	closeNoStatus   CloseCode = 1005 // never sent: the peer closed without a code
	closeAbnormal   CloseCode = 1006 // never sent: the connection was lost
)

// Action is what a driver does after a close.
type Action int

// The actions.
const (
	Stop      Action = iota // give up and report to the operator: a retry would not help, or would do harm
	Reconnect               // after the delay of a drain frame, else after the usual jitter
	BackOff                 // wait at least ReconnectBase·4, then the usual jitter
)

// closeActions is the only table of close codes; docs/protocol.md has a copy.
var closeActions = map[CloseCode]struct {
	action Action
	text   string
}{
	CloseDone:       {Stop, "done"},
	CloseDrain:      {Reconnect, "the server stops, or the token must be read again; reconnect after the hinted delay"},
	CloseProtocol:   {Stop, "WebSocket protocol error: a bug of the driver"},
	CloseBinary:     {Stop, "frames must be text: a bug of the driver"},
	CloseNotJSON:    {Stop, "a frame was not UTF-8 or not a JSON object: a bug of the driver"},
	CloseTooBig:     {Stop, "a frame was over 32 KiB: a bug of the driver"},
	CloseInternal:   {BackOff, "the server had an internal error"},
	CloseRestart:    {BackOff, "the server restarts"},
	CloseOverloaded: {BackOff, "the server is overloaded, or the applied_seq is past the end of its log"},
	CloseCredential: {Stop, "the credential was refused or revoked"},
	CloseSuperseded: {Stop, "another session registered this driver id"},
	CloseNotYours:   {Stop, "the credential does not cover this driver id or its labels, or another credential has the id"},
	CloseLate:       {Reconnect, "neither a heartbeat nor a pong arrived in time"},
	CloseRegister:   {Stop, "the first frame must be a valid register, within 5 s"},
	CloseTooFast:    {BackOff, "too many frames"},
	closeNoStatus:   {Reconnect, "closed without a code"},
	closeAbnormal:   {Reconnect, "connection lost"},
}

// Action returns what a driver does after c. An unknown private code (4000–4999) means stop, any other unknown code
// means back off.
func (c CloseCode) Action() Action {
	if e, ok := closeActions[c]; ok {
		return e.action
	}
	if c >= 4000 {
		return Stop
	}
	return BackOff
}

// Text describes c.
func (c CloseCode) Text() string {
	if e, ok := closeActions[c]; ok {
		return e.text
	}
	return "unknown close code"
}
